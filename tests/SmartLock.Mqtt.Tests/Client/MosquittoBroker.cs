using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace SmartLock.Mqtt.Tests.Client;

/// <summary>
/// A real mosquitto on free loopback ports: one open, one with a password, one with TLS under a certificate made here. Its
/// absence skips the tests.
/// </summary>
public sealed class MosquittoBroker : IAsyncLifetime
{
    public const string UserName = "lena";
    public const string Password = "a password of the test";

    private static readonly string[] Places = ["/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto", "/opt/homebrew/sbin/mosquitto"];

    private readonly string _folder = Directory.CreateTempSubdirectory("mosquitto-").FullName;
    private Process? _process;

    public int Port { get; } = FreePort();

    public int PasswordPort { get; } = FreePort();

    public int TlsPort { get; } = FreePort();

    public string CertificateAuthorityFile => Path.Combine(_folder, "ca.pem");

    public bool IsRunning => _process is not null;

    public async ValueTask InitializeAsync()
    {
        var executable = Array.Find(Places, File.Exists);
        if (executable is null)
        {
            return;
        }

        WriteCertificates();
        await File.WriteAllTextAsync(Path.Combine(_folder, "passwords"), PasswordLine());
        var configuration = Path.Combine(_folder, "mosquitto.conf");
        await File.WriteAllTextAsync(configuration, Configuration());
        var start = new ProcessStartInfo(executable, ["-c", configuration]) { RedirectStandardError = true };
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data?.EndsWith("running", StringComparison.Ordinal) == true)
            {
                ready.TrySetResult();
            }
        };
        _process.BeginErrorReadLine();
        await ready.Task.WaitAsync(TimeSpan.FromSeconds(20));
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private string Configuration() => $"""
        per_listener_settings true
        user root
        log_dest stderr
        log_type all
        persistence false
        max_queued_messages 0

        listener {Port} 127.0.0.1
        allow_anonymous true

        listener {PasswordPort} 127.0.0.1
        allow_anonymous false
        password_file {_folder}/passwords

        listener {TlsPort} 127.0.0.1
        allow_anonymous true
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
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.Create(authority, from, until, RandomNumberGenerator.GetBytes(8));

        File.WriteAllText(CertificateAuthorityFile, authority.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "server.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(_folder, "server.key"), key.ExportPkcs8PrivateKeyPem());
    }
}
