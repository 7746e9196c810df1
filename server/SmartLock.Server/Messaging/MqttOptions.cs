using System.ComponentModel.DataAnnotations;

namespace SmartLock.Server.Messaging;

internal enum MqttMode
{
    Embedded,
    External,
}

/// <summary>Configuration section <c>Mqtt</c>.</summary>
internal sealed class MqttOptions
{
    public const string Section = "Mqtt";

    /// <summary>Embedded: this process is the broker. External: it is a client of the one at <see cref="Host"/>.</summary>
    public MqttMode Mode { get; set; }

    /// <summary>Embedded: the address to listen on. Devices on the network must reach it.</summary>
    [Required]
    public string Address { get; set; } = "0.0.0.0";

    /// <summary>Embedded: the TCP port to listen on, 0 for a free one, -1 for none. External: the broker's port.</summary>
    [Range(-1, 65535)]
    public int Port { get; set; } = 1883;

    /// <summary>Embedded: also listen with TLS on this port when a certificate is given.</summary>
    [Range(0, 65535)]
    public int TlsPort { get; set; } = 8883;

    /// <summary>Embedded: PEM file of the certificate (and chain) for <see cref="TlsPort"/>; none, no TLS listener.</summary>
    public string? CertificateFile { get; set; }

    /// <summary>Embedded: PEM file of that certificate's private key, unless it is in the same file.</summary>
    public string? CertificateKeyFile { get; set; }

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

    /// <summary>External: 5 (shared subscriptions between replicas) or 4 for a broker that knows only 3.1.1.</summary>
    [Range(4, 5)]
    public int ProtocolVersion { get; set; } = 5;

    /// <summary>Embedded: read-only logins that see all traffic under <c>smartlock/</c>. None unless named.</summary>
    public IList<MqttObserver> Observers { get; } = [];
}

/// <summary>A read-only login on the embedded broker.</summary>
internal sealed class MqttObserver
{
    public string Name { get; set; } = "";

    public string Password { get; set; } = "";
}
