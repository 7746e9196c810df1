using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Hosting;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>
/// The broker as it is offered to other people's clients: TCP and WebSocket on one host, the same over TLS on another, each behind
/// a password.
/// </summary>
public sealed class InteropBroker : IAsyncLifetime
{
    public const string UserName = "device";

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-interop-").FullName;
    private KestrelBroker? _plain;
    private KestrelBroker? _secure;

    public static TheoryData<PeerKind> Peers { get; } = [PeerKind.Paho, PeerKind.MqttJs];

    public static MatrixTheoryData<PeerKind, int> PeersAndVersions { get; } = new([PeerKind.Paho, PeerKind.MqttJs], [4, 5]);

    public static MatrixTheoryData<PeerKind, int, string> PeersVersionsAndTransports { get; } =
        new([PeerKind.Paho, PeerKind.MqttJs], [4, 5], ["tcp", "tls", "ws", "wss"]);

    public string Password { get; } = RandomNumberGenerator.GetHexString(32);

    public string CertificateAuthorityFile => Path.Combine(_folder, "ca.pem");

    /// <summary>The one without TLS.</summary>
    public MqttBroker Broker => _plain!.Broker;

    internal TestAccess Access { get; } = new();

    internal int Port(string transport) => transport switch
    {
        "tcp" => _plain!.MqttPort,
        "ws" => _plain!.HttpPort,
        "tls" => _secure!.MqttPort,
        "wss" => _secure!.HttpPort,
        _ => throw new ArgumentOutOfRangeException(nameof(transport), transport, null),
    };

    /// <summary>A peer of a new name, without anything to do.</summary>
    internal PeerPlan Plan(int version, string transport = "tcp") => new()
    {
        Port = Port(transport),
        Transport = transport,
        Ca = CertificateAuthorityFile,
        Version = version,
        ClientId = $"peer{Guid.NewGuid():N}"[..20],
        Password = Password,
    };

    public async ValueTask InitializeAsync()
    {
        Access.Authenticate = (request, _) => ValueTask.FromResult(
            request.UserName is { } name && CryptographicOperations.FixedTimeEquals(request.Password.Span, Encoding.UTF8.GetBytes(Password))
                ? MqttAuthentication.Accept(new MqttIdentity(name))
                : MqttAuthentication.Refuse(MqttReasonCode.BadUserNameOrPassword));
        using var authority = new TestAuthority();
        var certificate = authority.IssueLoopback();
        await File.WriteAllTextAsync(CertificateAuthorityFile, authority.Pem);
        _plain = await KestrelBroker.StartAsync(Access);
        _secure = await KestrelBroker.StartAsync(Access, null, endpoint => endpoint.UseHttps(certificate), endpoint => endpoint.UseHttps(certificate));
    }

    public async ValueTask DisposeAsync()
    {
        if (_plain is not null)
        {
            await _plain.DisposeAsync();
        }

        if (_secure is not null)
        {
            await _secure.DisposeAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }
}
