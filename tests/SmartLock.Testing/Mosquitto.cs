using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace SmartLock.Testing;

/// <summary>
/// A stock mosquitto on free loopback ports: one open, one with a password, one with TLS under a certificate made here, which also
/// checks the password of whoever gives one. It may be killed and started again on the same ports.
/// </summary>
public sealed class Mosquitto : IAsyncDisposable
{
    public const string UserName = "lena";
    public const string Password = "a password of the test";

    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-mosquitto-").FullName;
    private readonly bool _isPersistent;
    private readonly bool _hasWebSocket;
    private ExternalProgram? _program;

    private Mosquitto(bool persistent, bool webSocket)
    {
        _isPersistent = persistent;
        _hasWebSocket = webSocket;
    }

    /// <summary>Null when it is not installed.</summary>
    public static string? Executable => ExternalProgram.Find("mosquitto");

    public int Port { get; } = FreePort.Next();

    public int PasswordPort { get; } = FreePort.Next();

    public int TlsPort { get; } = FreePort.Next();

    /// <summary>Open to all, if it was asked for.</summary>
    public int WebSocketPort { get; } = FreePort.Next();

    public IPEndPoint EndPoint => new(IPAddress.Loopback, Port);

    public string CertificateAuthorityFile => Path.Combine(_folder, "ca.pem");

    /// <summary>Configured, not running yet.</summary>
    /// <param name="persistent">Whether sessions and retained messages survive <see cref="StopAsync"/>.</param>
    /// <param name="webSocket">Whether it listens for WebSockets, which not every build of it can.</param>
    /// <exception cref="InvalidOperationException">It is not installed: ask <see cref="Executable"/> first.</exception>
    public static async Task<Mosquitto> PrepareAsync(bool persistent = false, bool webSocket = false)
    {
        _ = Executable ?? throw new InvalidOperationException("mosquitto is not installed");
        var broker = new Mosquitto(persistent, webSocket);
        broker.WriteCertificates();
        await File.WriteAllTextAsync(broker.FileOf("passwords"), PasswordLine());
        await File.WriteAllTextAsync(broker.FileOf("mosquitto.conf"), broker.Configuration());
        return broker;
    }

    public static async Task<Mosquitto> StartNewAsync()
    {
        var broker = await PrepareAsync();
        await broker.StartAsync();
        return broker;
    }

    public async Task StartAsync()
    {
        _program = ExternalProgram.Start(Executable!, ["-c", FileOf("mosquitto.conf")]);
        await _program.LineAsync(l => l.EndsWith("running", StringComparison.Ordinal), "mosquitto is running");
    }

    /// <summary>Ends it in order, so that it writes down what it is to keep.</summary>
    public async Task StopAsync()
    {
        _program?.Interrupt();
        await (_program?.ExitAsync(TimeSpan.FromSeconds(10)) ?? Task.CompletedTask);
        await KillAsync();
    }

    /// <summary>Its clients see their connections break.</summary>
    public async Task KillAsync()
    {
        if (_program is not null)
        {
            await _program.DisposeAsync();
            _program = null;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string FileOf(string name) => Path.Combine(_folder, name);

    private string Configuration() => $"""
        per_listener_settings true
        user root
        log_dest stderr
        log_type error
        log_type warning
        log_type notice
        log_type information
        persistence {(_isPersistent ? "true" : "false")}
        persistence_location {_folder}/
        max_queued_messages 0

        listener {Port} 127.0.0.1
        allow_anonymous true

        listener {PasswordPort} 127.0.0.1
        allow_anonymous false
        password_file {_folder}/passwords

        listener {TlsPort} 127.0.0.1
        allow_anonymous true
        password_file {_folder}/passwords
        certfile {_folder}/server.pem
        keyfile {_folder}/server.key

        {(_hasWebSocket ? WebSocketListener() : "")}
        """;

    private string WebSocketListener() => $"""
        listener {WebSocketPort} 127.0.0.1
        socket_domain ipv4
        protocol websockets
        allow_anonymous true

        """;

    /// <summary>mosquitto's format 7: PBKDF2 with SHA-512.</summary>
    private static string PasswordLine()
    {
        const int Iterations = 101;
        var salt = RandomNumberGenerator.GetBytes(12);
        var hash = Rfc2898DeriveBytes.Pbkdf2(Encoding.UTF8.GetBytes(Password), salt, Iterations, HashAlgorithmName.SHA512, 64);
        return $"{UserName}:$7${Iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}\n";
    }

    private void WriteCertificates()
    {
        using var authority = new TestAuthority();
        using var certificate = authority.IssueLoopback();
        using var key = certificate.GetECDsaPrivateKey()!;
        File.WriteAllText(CertificateAuthorityFile, authority.Pem);
        File.WriteAllText(FileOf("server.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(FileOf("server.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
