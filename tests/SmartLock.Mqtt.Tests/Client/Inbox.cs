using System.Threading.Channels;
using SmartLock.Mqtt.Client;

namespace SmartLock.Mqtt.Tests.Client;

/// <summary>Takes what a client receives and hands it to the test one by one.</summary>
internal sealed class Inbox
{
    private readonly Channel<MqttReceivedMessage> _messages = Channel.CreateUnbounded<MqttReceivedMessage>();

    public ValueTask OnMessageAsync(MqttReceivedMessage message, CancellationToken cancellationToken)
    {
        return _messages.Writer.WriteAsync(message, cancellationToken);
    }

    public Task<MqttReceivedMessage> NextAsync()
    {
        return _messages.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(15));
    }

    public bool IsEmpty => _messages.Reader.Count == 0;
}
