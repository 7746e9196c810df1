using System.Net;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging;

public sealed class MqttListenerTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-tls-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_lock_opens_over_tls_when_the_operator_gave_a_certificate()
    {
        var (certificate, key) = WriteCertificate();
        await using var app = await TestApp.StartAsync(
            "--Mqtt:Port=-1", $"--Mqtt:CertificateFile={certificate}", $"--Mqtt:CertificateKeyFile={key}", "--Mqtt:TlsPort=0");
        var listener = app.Services.GetRequiredService<MqttListener>();
        listener.EndPoint.ShouldBeNull();
        var owner = await app.OwnerAsync();
        await using var door = await Door.NewAsync(
            owner,
            new IPEndPoint(IPAddress.Loopback, listener.TlsEndPoint!.Port),
            "ESP32-TLS",
            o => o with { Tls = true, CertificateAuthorityFile = certificate });
        await door.SwitchOnAsync();

        (await door.UnlockAsync()).StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task Without_an_address_it_listens_on_loopback_and_with_a_certificate_for_tls_on_all()
    {
        var (certificate, key) = WriteCertificate();
        await using var app = await TestApp.StartAsync($"--Mqtt:CertificateFile={certificate}", $"--Mqtt:CertificateKeyFile={key}", "--Mqtt:TlsPort=0");
        await using var opened = await TestApp.StartAsync("--Mqtt:Address=0.0.0.0");

        var listener = app.Services.GetRequiredService<MqttListener>();
        listener.EndPoint!.Address.ShouldBe(IPAddress.Loopback);
        listener.TlsEndPoint!.Address.ShouldBe(IPAddress.Any);
        opened.Services.GetRequiredService<MqttListener>().EndPoint!.Address.ShouldBe(IPAddress.Any);
    }

    [Fact]
    public async Task The_certificate_may_be_a_setting_and_its_chain_is_shown_to_devices()
    {
        var (own, between, key) = IssueByIntermediate();
        await using var app = await TestApp.StartAsync(
            "--Mqtt:Port=-1", "--Mqtt:TlsPort=0", $"--Mqtt:CertificatePem={own.ExportCertificatePem()}\n{between.ExportCertificatePem()}", $"--Mqtt:CertificateKeyPem={key}");

        string[] shown = [];
        using var tcp = new System.Net.Sockets.TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, app.Services.GetRequiredService<MqttListener>().TlsEndPoint!.Port);
        await using var tls = new System.Net.Security.SslStream(tcp.GetStream(), false, (_, presented, chain, _) =>
        {
            shown = [.. chain!.ChainPolicy.ExtraStore.Select(c => c.Thumbprint)];
            return presented!.GetCertHashString() == own.GetCertHashString();
        });
        await tls.AuthenticateAsClientAsync("localhost").WaitAsync(TimeSpan.FromSeconds(20));

        shown.ShouldContain(between.Thumbprint, "who knows the root only cannot do without it");
    }

    [Fact]
    public async Task A_file_that_is_no_certificate_ends_the_start_with_a_sentence_that_names_the_setting()
    {
        var file = Path.Combine(_folder, "nonsense.pem");
        await File.WriteAllTextAsync(file, "nonsense");

        var failure = await Should.ThrowAsync<StartupException>(() => TestApp.StartAsync($"--Mqtt:CertificateFile={file}"));

        failure.Message.ShouldContain("Mqtt:CertificateFile");
    }

    [Fact]
    public async Task The_http_port_speaks_mqtt_over_websocket()
    {
        await using var app = await TestApp.StartAsync();
        await using var door = await Door.NewAsync(await app.OwnerAsync(), Door.BrokerOf(app), "ESP32-WEB");
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("mqtt");

        await socket.ConnectAsync(new Uri(app.Address, "/mqtt").AsWebSocket(), default);

        socket.SubProtocol.ShouldBe("mqtt");
        await socket.SendAsync(Connect(door.DeviceId, Signatures.MqttPassword(door.Key, door.DeviceId)), WebSocketMessageType.Binary, true, default);
        var answer = new byte[16];
        var received = await socket.ReceiveAsync(answer, default).WaitAsync(TimeSpan.FromSeconds(20));
        answer[..received.Count].ShouldBe([0x20, 2, 0, 0], "CONNACK, accepted");
        (await app.Http.GetAsync("/mqtt")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
    }

    [Theory]
    [InlineData("--Mqtt:Mode=Elsewhere", "Mqtt:Mode")]
    [InlineData("--Mqtt:Address=here", "Mqtt:Address")]
    [InlineData("--Mqtt:Port=70000", "Mqtt:Port")]
    [InlineData("--Mqtt:CertificateFile=/nowhere.pem", "Mqtt:CertificateFile")]
    [InlineData("--Mqtt:CertificatePem=nonsense", "Mqtt:CertificatePem")]
    [InlineData("--Mqtt:Mode=External", "Mqtt:Host")]
    [InlineData("--Mqtt:Observers:0:Name=eve", "Mqtt:Observers")]
    [InlineData("--Mqtt:Prot=1883", "Prot")]
    [InlineData("--Devices:CommandValidity=00:02:00", "Devices:CommandValidity")]
    [InlineData("--Devices:SweepEvery=00:00:00", "Devices:SweepEvery")]
    public async Task A_wrong_setting_is_named(string setting, string named)
    {
        var failure = await Should.ThrowAsync<Exception>(() => TestApp.StartAsync(setting));

        SmartLock.Server.Cli.Startup.Explain(failure).ShouldNotBeNull().ShouldContain(named);
    }

    [Theory]
    [InlineData(null, "Mqtt:CaFile cannot be read")]
    [InlineData("not a certificate", "Mqtt:CaFile holds no certificate")]
    public async Task A_file_of_authorities_without_a_certificate_ends_the_start(string? content, string said)
    {
        var file = Path.Combine(_folder, "ca.pem");
        if (content is not null)
        {
            await File.WriteAllTextAsync(file, content);
        }

        var failure = await Should.ThrowAsync<Exception>(
            () => TestApp.StartAsync("--Mqtt:Mode=External", "--Mqtt:Host=127.0.0.1", "--Mqtt:Port=8883", "--Mqtt:Tls=true", $"--Mqtt:CaFile={file}"));

        SmartLock.Server.Cli.Startup.Explain(failure).ShouldNotBeNull().ShouldContain(said);
    }

    [Fact]
    public async Task An_outside_broker_keeps_its_sessions_itself()
    {
        var failure = await Should.ThrowAsync<Exception>(
            () => TestApp.StartAsync("--Mqtt:Mode=External", "--Mqtt:Host=127.0.0.1", "--Mqtt:Persistence=File"));

        SmartLock.Server.Cli.Startup.Explain(failure).ShouldNotBeNull().ShouldContain("Mqtt:Persistence");
    }

    /// <summary>CONNECT of MQTT 3.1.1: clean session, 60 s keep-alive, client id "x", user name and password.</summary>
    private static byte[] Connect(string userName, string password)
    {
        byte[] body = [0, 4, .. "MQTT"u8, 4, 0xC2, 0, 60, 0, 1, (byte)'x', .. Text(userName), .. Text(password)];
        return [0x10, (byte)body.Length, .. body];
    }

    private static byte[] Text(string text) => [0, (byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static (X509Certificate2 Own, X509Certificate2 Between, string Key) IssueByIntermediate()
    {
        var from = DateTimeOffset.UnixEpoch.AddYears(50);
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var betweenKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var ownKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = Authority("CN=Root", rootKey).CreateSelfSigned(from, from.AddYears(80));
        using var betweenOnly = Authority("CN=Between", betweenKey).Create(root, from, from.AddYears(80), [1]);
        var between = betweenOnly.CopyWithPrivateKey(betweenKey);
        var own = new CertificateRequest("CN=localhost", ownKey, HashAlgorithmName.SHA256).Create(between, from, from.AddYears(80), [2]);
        return (own, between, ownKey.ExportPkcs8PrivateKeyPem());
    }

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request;
    }

    private (string Certificate, string Key) WriteCertificate()
    {
        using var certificate = LoopbackCertificate.Create();
        using var key = certificate.GetECDsaPrivateKey()!;
        var certificateFile = Path.Combine(_folder, "cert.pem");
        var keyFile = Path.Combine(_folder, "key.pem");
        File.WriteAllText(certificateFile, certificate.ExportCertificatePem());
        File.WriteAllText(keyFile, key.ExportPkcs8PrivateKeyPem());
        return (certificateFile, keyFile);
    }
}

internal static class WebSocketAddresses
{
    public static Uri AsWebSocket(this Uri http) => new UriBuilder(http) { Scheme = "ws" }.Uri;
}
