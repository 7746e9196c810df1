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

    public bool IsDhcpEnabled => _air.IsDhcpEnabled;

    public uint SpecificConfigId => 0;

    public NetworkInterfaceType NetworkInterfaceType => NetworkInterfaceType.Wireless80211;

    public void EnableDhcp() => _air.IsDhcpEnabled = true;

    public static NetworkInterface[] GetAllNetworkInterfaces() => [new(Bench.Current.Air)];
}
