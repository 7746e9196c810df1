using SmartLock.Firmware.Shapes;

namespace System.Net.NetworkInformation;

/// <summary>What the chip itself remembers of a network.</summary>
public class Wireless80211Configuration
{
    private readonly Air _air;

    private Wireless80211Configuration(Air air)
    {
        _air = air;
        Ssid = air.KeptSsid;
        Password = air.KeptPassword;
    }

    public string Ssid { get; set; }

    public string Password { get; set; }

    public static Wireless80211Configuration[] GetAllWireless80211Configurations() => [new(Bench.Current.Air)];

    public void SaveConfiguration() => _air.Keep(Ssid, Password);
}
