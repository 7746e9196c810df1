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
    private ExternalProgram? _program;

    private Mosquitto()
    {
    }

    /// <summary>Null when it is not installed.</summary>
    public static string? Executable => ExternalProgram.Find("mosquitto");

    public int Port { get; } = FreePort.Next();

    public int PasswordPort { get; } = FreePort.Next();

    public int TlsPort { get; } = FreePort.Next();

    public IPEndPoint EndPoint => new(IPAddress.Loopback, Port);

    public string CertificateAuthorityFile => Path.Combine(_folder, "ca.pem");

    /// <summary>Configured, not running yet.</summary>
    /// <exception cref="InvalidOperationException">It is not installed: ask <see cref="Executable"/> first.</exception>
    public static async Task<Mosquitto> PrepareAsync()
    {
        _ = Executable ?? throw new InvalidOperationException("mosquitto is not installed");
        var broker = new Mosquitto();
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
        persistence false
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
        var from = DateTimeOffset.UnixEpoch.AddYears(50);
        var until = DateTimeOffset.UnixEpoch.AddYears(130);
        using var authorityKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var authorityRequest = new CertificateRequest("CN=Test authority", authorityKey, HashAlgorithmName.SHA256);
        authorityRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var authority = authorityRequest.CreateSelfSigned(from, until);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, from, until, RandomNumberGenerator.GetBytes(8));

        File.WriteAllText(CertificateAuthorityFile, authority.ExportCertificatePem());
        File.WriteAllText(FileOf("server.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(FileOf("server.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
