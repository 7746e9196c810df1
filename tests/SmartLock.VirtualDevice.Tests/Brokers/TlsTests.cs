using SmartLock.Testing;

namespace SmartLock.VirtualDevice.Tests.Brokers;

public sealed class TlsTests
{
    [Fact]
    public async Task Over_tls_it_trusts_the_named_roots_and_no_others()
    {
        using var certificate = LoopbackCertificate.Create();
        await using var broker = await EmbeddedBroker.StartAsync(certificate);
        var authority = Path.GetTempFileName();
        await File.WriteAllTextAsync(authority, certificate.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await using var trusting = new VirtualLock(broker.OptionsFor("D1") with { Tls = true, CertificateAuthorityFile = authority });
        await using var wary = new VirtualLock(broker.OptionsFor("D2") with { Tls = true });
        await using var plain = new VirtualLock(broker.OptionsFor("D3") with { Tls = false });
        var waryRefused = Refused(wary);
        var plainRefused = Refused(plain);
        var cancelled = TestContext.Current.CancellationToken;
        var starting = new[] { wary.StartAsync(cancelled), plain.StartAsync(cancelled) };

        await trusting.StartAsync(cancelled).WaitAsync(TimeSpan.FromSeconds(20), cancelled);
        (await waryRefused.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken)).ShouldContain("UntrustedRoot");
        await plainRefused.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        trusting.IsConnected.ShouldBeTrue();
        wary.IsConnected.ShouldBeFalse();
        plain.IsConnected.ShouldBeFalse();
        await wary.StopAsync();
        await plain.StopAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => Task.WhenAll(starting));
        File.Delete(authority);
    }

    [Fact]
    public async Task A_file_of_authorities_without_a_certificate_is_an_error_and_not_the_systems_roots()
    {
        using var certificate = LoopbackCertificate.Create();
        await using var broker = await EmbeddedBroker.StartAsync(certificate);
        var empty = Path.GetTempFileName();
        await using var device = new VirtualLock(broker.OptionsFor("D1") with { Tls = true, CertificateAuthorityFile = empty });
        var refused = Refused(device);
        var starting = device.StartAsync(TestContext.Current.CancellationToken);

        var failure = await refused.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        failure.ShouldBe("There is no certificate in the file of trusted authorities.");
        await device.StopAsync();
        await Should.ThrowAsync<OperationCanceledException>(() => starting);
        File.Delete(empty);
    }

    private static Task<string> Refused(VirtualLock device)
    {
        var refused = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        device.Happened += (_, happened) =>
        {
            if (happened.Kind == VirtualLockEventKind.ConnectFailed)
            {
                refused.TrySetResult(happened.Text);
            }
        };
        return refused.Task;
    }
}
