namespace SmartLock.Firmware.Shapes;

/// <summary>The one Wi-Fi network in reach of the board.</summary>
public sealed class Air
{
    private readonly Lock _gate = new();
    private string? _joined;
    private bool _isOn = true;

    public string Ssid { get; set; } = "home";

    public string Password { get; set; } = "correct horse";

    public Exception? Trouble { get; set; }

    public int WifiObjectsMade { get; set; }

    public string KeptSsid { get; private set; } = "";

    public string KeptPassword { get; private set; } = "";

    /// <summary>How often the chip's own flash was written.</summary>
    public int TimesKept { get; private set; }

    public bool IsDhcpEnabled { get; set; }

    /// <summary>Off: the board loses its address.</summary>
    public bool IsOn
    {
        get
        {
            lock (_gate)
            {
                return _isOn;
            }
        }

        set
        {
            lock (_gate)
            {
                _isOn = value;
            }
        }
    }

    internal string Address
    {
        get
        {
            lock (_gate)
            {
                return _isOn && _joined == Ssid && IsDhcpEnabled ? "192.168.1.7" : "0.0.0.0";
            }
        }
    }

    internal void Keep(string ssid, string password)
    {
        KeptSsid = ssid;
        KeptPassword = password;
        TimesKept++;
    }

    internal void Leave()
    {
        lock (_gate)
        {
            _joined = null;
        }
    }

    internal void Join(string ssid, string password)
    {
        lock (_gate)
        {
            _joined = ssid == Ssid && password == Password ? ssid : null;
        }
    }
}
