using System.Collections.Concurrent;
using System.Text;
using SmartLock.Mqtt.Client;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Deploy;

/// <summary>A client that remembers the texts it was sent.</summary>
internal sealed class ListeningClient : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _heard = new();

    private ListeningClient(MqttClientOptions options) => Client = new MqttClient(options, (message, _) =>
    {
        _heard.Enqueue(Encoding.UTF8.GetString(message.Payload.Span));
        return ValueTask.CompletedTask;
    });

    public MqttClient Client { get; }

    public IReadOnlyList<string> Heard => [.. _heard];

    /// <exception cref="MqttConnectException">The broker refuses it.</exception>
    public static async Task<ListeningClient> ConnectAsync(MqttClientOptions options)
    {
        var client = new ListeningClient(options);
        try
        {
            await client.Client.ConnectAsync();
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    public Task UntilHeardAsync(string text) => Eventually.TrueAsync(() => _heard.Contains(text), $"{text} was heard");

    public ValueTask DisposeAsync() => Client.DisposeAsync();
}
