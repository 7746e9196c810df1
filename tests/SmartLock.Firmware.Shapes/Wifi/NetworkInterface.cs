using SmartLock.Firmware.Shapes;

namespace System.Net.NetworkInformation;

public class NetworkInterface
{
    private readonly Air _air;

    private NetworkInterface(Air air)
    {
        _air = air;
    }

    public string IPv4Address => _air.Address;

    public NetworkInterfaceType NetworkInterfaceType => NetworkInterfaceType.Wireless80211;

    public static NetworkInterface[] GetAllNetworkInterfaces() => [new(Bench.Current.Air)];
}
