using SmartLock.Firmware.Shapes;

namespace System.Device.Wifi;

public class WifiAdapter
{
    private readonly Air _air;

    private WifiAdapter(Air air)
    {
        _air = air;
    }

    public static WifiAdapter[] FindAllAdapters()
    {
        var air = Bench.Current.Air;
        if (air.Trouble is { } trouble)
        {
            throw trouble;
        }

        air.WifiObjectsMade++;
        return [new WifiAdapter(air)];
    }

    public void Disconnect() => _air.Leave();

    public WifiConnectionResult Connect(string ssid, WifiReconnectionKind reconnectionKind, string passwordCredential)
    {
        _air.Join(ssid, passwordCredential);
        return new WifiConnectionResult();
    }
}

public class WifiConnectionResult
{
    internal WifiConnectionResult()
    {
    }
}
