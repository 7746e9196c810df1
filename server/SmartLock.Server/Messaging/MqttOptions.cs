using System.Net;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging.External;

namespace SmartLock.Server.Messaging;

internal enum MqttMode
{
    Embedded,
    External,
}

/// <summary>Where the embedded broker keeps what its clients may rely on across a restart.</summary>
internal enum MqttPersistence
{
    /// <summary>In memory only.</summary>
    None,

    /// <summary>In the server's own SQLite file.</summary>
    Database,

    /// <summary>In a file beside it, so that busy clients do not share its writer.</summary>
    File,
}

/// <summary>Configuration section <c>Mqtt</c>.</summary>
internal sealed class MqttOptions
{
    public const string Section = "Mqtt";
    private static readonly TimeSpan ShortestKeepAlive = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestKeepAlive = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestRefusalDelay = TimeSpan.FromSeconds(10);

    private const int MinObserverPasswordLength = 10;

    /// <summary>Embedded: this process is the broker. External: it is a client of the one at <see cref="Host"/>.</summary>
    public MqttMode Mode { get; set; }

    /// <summary>
    /// Embedded: the address to listen on. Without it other machines reach the TLS port only: MQTT without TLS shows what is sent, a device's
    /// password included, to whoever listens on the network.
    /// </summary>
    public string? Address { get; set; }

    /// <summary>Embedded: the TCP port to listen on, 0 for a free one, -1 for none. External: the broker's port.</summary>
    public int Port { get; set; } = 1883;

    /// <summary>Embedded: also listen with TLS on this port when a certificate is given.</summary>
    public int TlsPort { get; set; } = 8883;

    /// <summary>Embedded: PEM file of the certificate (and chain) for <see cref="TlsPort"/>; none, no TLS listener.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>Embedded: PEM file of that certificate's private key, unless it is in the same file.</summary>
    public string? CertificateKeyFile { get; set; }

    /// <summary>Embedded: the certificate itself instead of its file, for where settings are all there is.</summary>
    public string? CertificatePem { get; set; }

    /// <summary>Embedded: the key of <see cref="CertificatePem"/>, unless it is in the same text.</summary>
    public string? CertificateKeyPem { get; set; }

    /// <summary>External: the broker's host name.</summary>
    public string? Host { get; set; }

    /// <summary>External: speak TLS.</summary>
    public bool Tls { get; set; }

    /// <summary>External: PEM file of the authority to trust instead of the system's.</summary>
    public string? CaFile { get; set; }

    public string? UserName { get; set; }

    public string? Password { get; set; }

    /// <summary>External: client id; must differ between replicas. Empty: a random one.</summary>
    public string? ClientId { get; set; }

    /// <summary>
    /// External: a broker that does not respond is disconnected after little more than this; until then the server assumes that it is listening. For
    /// half as long again, the broker still delivers statuses to a replica that was cut off; they are lost.
    /// </summary>
    public TimeSpan KeepAlive { get; set; } = TimeSpan.FromSeconds(4);

    /// <summary>External: 5 (shared subscriptions between replicas) or 4 for a broker that knows only 3.1.1.</summary>
    public int ProtocolVersion { get; set; } = 5;

    /// <summary>Embedded: where sessions that outlive their connections are kept across a restart of the server.</summary>
    public MqttPersistence Persistence { get; set; }

    /// <summary>Embedded: read-only logins that see all traffic under <c>smartlock/</c>. None unless named.</summary>
    public IList<MqttObserver> Observers { get; } = [];

    /// <summary>Embedded: TCP connections, logged in or not; null for what <see cref="ConnectionBounds"/> leaves.</summary>
    public int? MaxConnections { get; set; }

    /// <summary>Embedded: connections of one address that are not logged in yet. One more closes the one that has waited longest.</summary>
    public int MaxConnectingPerAddress { get; set; } = 512;

    /// <summary>Embedded: how long a wrong login waits for its answer.</summary>
    public TimeSpan RefusalDelay { get; set; } = TimeSpan.FromSeconds(1);

    public static string? Check(MqttOptions options) => options.Mode switch
    {
        MqttMode.Embedded => CheckEmbedded(options),
        MqttMode.External => CheckExternal(options),
        _ => "Mqtt:Mode must be Embedded or External.",
    };

    private static string? CheckEmbedded(MqttOptions options)
    {
        if (options.Address is not null && !IPAddress.TryParse(options.Address, out _))
        {
            return "Mqtt:Address must be an IP address such as 0.0.0.0 or 127.0.0.1.";
        }

        if (!Enum.IsDefined(options.Persistence))
        {
            return "Mqtt:Persistence must be None, Database or File.";
        }

        if (options.Port is < -1 or > ushort.MaxValue)
        {
            return "Mqtt:Port must be between 0 and 65535, or -1 for no listener.";
        }

        if (options.TlsPort is < 0 or > ushort.MaxValue)
        {
            return "Mqtt:TlsPort must be between 0 and 65535.";
        }

        if (options.CertificateFile is { } file && !File.Exists(file))
        {
            return "Mqtt:CertificateFile does not exist.";
        }

        if (options is { CertificateFile: not null, CertificatePem: not null })
        {
            return "Mqtt:CertificateFile and Mqtt:CertificatePem are two ways to give one certificate: set one of them.";
        }

        if (CheckLimits(options) is { } wrong)
        {
            return wrong;
        }

        var weak = options.Observers.FirstOrDefault(o => o.Name.Length == 0 || o.Password.Length < MinObserverPasswordLength);
        return weak is null ? null : $"Mqtt:Observers: each needs a Name and a Password of at least {MinObserverPasswordLength} characters.";
    }

    private static string? CheckLimits(MqttOptions options)
    {
        if (options.MaxConnectingPerAddress < 1)
        {
            return "Mqtt:MaxConnectingPerAddress must be at least 1.";
        }

        return options.RefusalDelay < TimeSpan.Zero || options.RefusalDelay > LongestRefusalDelay
            ? "Mqtt:RefusalDelay must be between 00:00:00 and 00:00:10."
            : null;
    }

    private static string? CheckExternal(MqttOptions options)
    {
        if (string.IsNullOrWhiteSpace(options.Host))
        {
            return "Mqtt:Host must name the outside broker when Mqtt:Mode is External.";
        }

        if (options.Persistence != MqttPersistence.None)
        {
            return "Mqtt:Persistence is for the embedded broker: with Mqtt:Mode=External the outside broker keeps sessions by its own settings.";
        }

        if (options.Port is < 1 or > ushort.MaxValue)
        {
            return "Mqtt:Port must be between 1 and 65535 when Mqtt:Mode is External.";
        }

        if (options.CaFile is { } file && WhyNoAuthorities(file) is { } wrong)
        {
            return wrong;
        }

        if (options.KeepAlive < ShortestKeepAlive || options.KeepAlive > LongestKeepAlive)
        {
            return "Mqtt:KeepAlive must be between 00:00:02 and 00:01:00.";
        }

        return options.ProtocolVersion is 4 or 5 ? null : "Mqtt:ProtocolVersion must be 5, or 4 for MQTT 3.1.1.";
    }

    private static string? WhyNoAuthorities(string file)
    {
        try
        {
            MqttNetOptions.ReadAuthorities(file);
            return null;
        }
        catch (InvalidDataException e)
        {
            return e.Message;
        }
    }
}

/// <summary>A read-only login on the embedded broker.</summary>
internal sealed class MqttObserver
{
    public string Name { get; set; } = "";

    public string Password { get; set; } = "";
}
