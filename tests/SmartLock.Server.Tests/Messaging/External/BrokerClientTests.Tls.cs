using System.Net;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging.External;

/// <summary>Certificates and passwords.</summary>
public sealed partial class BrokerClientTests
{
    [Fact]
    public async Task Over_tls_it_trusts_the_configured_authority_only()
    {
        await using var broker = await StartBrokerAsync();
        using var stranger = new TestAuthority();
        var strangersFile = Path.GetTempFileName();
        await File.WriteAllTextAsync(strangersFile, stranger.Pem);
        await using var trusted = await ListenAsync(Tls(broker.TlsPort, broker.CertificateAuthorityFile), Events);
        await using var untrusted = await ListenAsync(Tls(broker.TlsPort, strangersFile), Events);
        await using var systems = await ListenAsync(Tls(broker.TlsPort, null), Events);

        await Eventually.TrueAsync(() => trusted.Granted == 1, "the right authority");
        await Eventually.TrueAsync(() => untrusted.Reasons.Count > 0 && systems.Reasons.Count > 0, "the wrong ones");
        untrusted.Client.IsConnected.ShouldBeFalse();
        systems.Client.IsConnected.ShouldBeFalse();
        File.Delete(strangersFile);
    }

    [Fact]
    public async Task Over_tls_the_certificate_must_bear_the_brokers_name()
    {
        await using var broker = await StartBrokerAsync();
        await using var cable = new Cable(broker.TlsPort, IPAddress.Parse("127.0.0.2"));
        var options = Tls(cable.Port, broker.CertificateAuthorityFile);
        options.Host = "127.0.0.2";
        await using var listener = await ListenAsync(options, Events);

        await Eventually.TrueAsync(() => listener.Reasons.Count > 0, "the attempt fails");
        listener.Client.IsConnected.ShouldBeFalse();
    }

    [Theory]
    [InlineData(V311)]
    [InlineData(V5)]
    public async Task A_refused_password_is_reported_without_the_password(int version)
    {
        const string Wrong = "not the password of the test";
        await using var broker = await StartBrokerAsync();
        await using var admitted = await ListenAsync(WithPassword(broker, version, Mosquitto.Password), Events);
        await using var refused = await ListenAsync(WithPassword(broker, version, Wrong), Events);

        await Eventually.TrueAsync(() => admitted.Granted == 1, "the right password");
        await Eventually.TrueAsync(() => refused.Reasons.Count > 0, "the wrong one");
        refused.Client.IsConnected.ShouldBeFalse();
        refused.Reasons.ShouldAllBe(r => !r.Contains(Wrong, StringComparison.Ordinal));
    }

    private static MqttOptions Tls(int port, string? authorityFile)
    {
        var options = Options(port);
        options.Tls = true;
        options.CaFile = authorityFile;
        return options;
    }

    private static MqttOptions WithPassword(Mosquitto broker, int version, string password)
    {
        var options = Options(broker.PasswordPort, version);
        options.UserName = Mosquitto.UserName;
        options.Password = password;
        return options;
    }
}
