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
                return _isOn && _joined == Ssid ? "192.168.1.7" : "0.0.0.0";
            }
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
