using System.Collections.Concurrent;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using SmartLock.Mqtt;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Deploy;

/// <summary>A client over TLS that collects the texts it receives.</summary>
internal sealed class ListeningClient : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _heard = new();

    /// <param name="broker">Its authority is the one that is trusted.</param>
    /// <param name="port">Of the listener for devices or for servers.</param>
    /// <param name="userName">Null for none.</param>
    /// <param name="password">Null for none.</param>
    public ListeningClient(DeployedBroker broker, int port, string? userName, string? password)
    {
        Task Keep(TestMqttMessage message)
        {
            _heard.Enqueue(message.Text);
            return Task.CompletedTask;
        }

        void Configure(MqttClientOptionsBuilder options)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(broker.AuthorityFile);
            options.WithTlsOptions(tls => tls.UseTls().WithTrustChain(authorities).WithRevocationMode(X509RevocationMode.NoCheck));
            if (userName is not null)
            {
                options.WithCredentials(userName, password);
            }
        }

        Client = new TestMqttClient(port, Configure, Keep, host: "localhost");
    }

    public TestMqttClient Client { get; }

    public IReadOnlyList<string> Heard => [.. _heard];

    /// <summary>Connected.</summary>
    public static async Task<ListeningClient> ConnectAsync(DeployedBroker broker, int port, string? userName, string? password)
    {
        var client = new ListeningClient(broker, port, userName, password);
        await client.Client.ConnectAsync();
        return client;
    }

    public static async Task ShouldBeRefusedAsync(DeployedBroker broker, int port, string? userName, string? password)
    {
        await using var client = new ListeningClient(broker, port, userName, password);
        (await client.Client.TryConnectAsync()).IsFailure().ShouldBeTrue();
    }

    public Task UntilReportedAsync(string text) => Eventually.TrueAsync(() => _heard.Contains(text), $"{text} was received");

    public ValueTask DisposeAsync() => Client.DisposeAsync();
}
