using System.Buffers;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace SmartLock.Testing;

/// <summary>One connection to a broker under test on loopback, by MQTT 5: a server's, or that of somebody who takes a device's name.</summary>
public sealed class ServerSideClient : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();

    private ServerSideClient(Action<string, byte[]>? onMessage)
    {
        _client.ApplicationMessageReceivedAsync += received =>
        {
            onMessage?.Invoke(received.ApplicationMessage.Topic, received.ApplicationMessage.Payload.ToArray());
            return Task.CompletedTask;
        };
    }

    /// <param name="onMessage">Called for one message at a time; must not block.</param>
    public static async Task<ServerSideClient> ConnectAsync(int port, string name, string password, Action<string, byte[]>? onMessage = null)
    {
        var client = new ServerSideClient(onMessage);
        var options = new MqttClientOptionsBuilder()
            .WithTcpServer("127.0.0.1", port)
            .WithProtocolVersion(MqttProtocolVersion.V500)
            .WithClientId(name)
            .WithCredentials(name, password)
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(60))
            .Build();
        try
        {
            using var limit = new CancellationTokenSource(Patience);
            var answer = await client._client.ConnectAsync(options, limit.Token);
            return answer.ResultCode is MqttClientConnectResultCode.Success
                ? client
                : throw new InvalidOperationException($"The broker refused the connection of {name}: {answer.ResultCode}.");
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <exception cref="InvalidOperationException">The broker refused.</exception>
    public async Task SubscribeAsync(string filter)
    {
        using var limit = new CancellationTokenSource(Patience);
        var answer = await _client.SubscribeAsync(filter, MqttQualityOfServiceLevel.AtLeastOnce, limit.Token);
        if (answer.Items.Single().ResultCode is not MqttClientSubscribeResultCode.GrantedQoS1)
        {
            throw new InvalidOperationException($"The broker refused the subscription to {filter}: {answer.Items.Single().ResultCode}.");
        }
    }

    /// <summary>At QoS 1; completes with the broker's acknowledgement.</summary>
    /// <exception cref="InvalidOperationException">The broker refused.</exception>
    public async Task PublishAsync(string topic, byte[] payload, bool retain = false)
    {
        using var limit = new CancellationTokenSource(Patience);
        var answer = await _client.PublishBinaryAsync(topic, payload, MqttQualityOfServiceLevel.AtLeastOnce, retain, limit.Token);
        if (!answer.IsSuccess)
        {
            throw new InvalidOperationException($"The broker refused a message to {topic}: {answer.ReasonCode}.");
        }
    }

    public void Dispose() => _client.Dispose();
}
