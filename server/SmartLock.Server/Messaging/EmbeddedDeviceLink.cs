using Microsoft.Extensions.Options;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Server.Messaging;

/// <summary>The broker in this process: statuses arrive by a direct call, commands go to the addressed device's sessions only.</summary>
internal sealed class EmbeddedDeviceLink(MqttBroker broker, IStatusReceiver ingest, IOptions<DeviceOptions> devices, TimeProvider time) : IDeviceLink, IHostedLifecycleService
{
    private readonly MqttProperties _properties = new() { MessageExpiryInterval = devices.Value.CommandValiditySeconds };
    private IDisposable? _subscription;
    private volatile Beginning? _listening;

    public DateTimeOffset? ListeningSince => _listening?.At;

    public TimeSpan? ListeningFor => _listening is { } listening ? time.GetElapsedTime(listening.Timestamp) : null;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _subscription = broker.Subscribe(Topics.AllStatuses, Handle);
        _listening = new Beginning(time.GetUtcNow(), time.GetTimestamp());
        broker.PublishOverdueWills();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Unsubscribes before the broker stops: the wills that its stop triggers say nothing about the devices.
    /// Lifecycle services stop in the reverse order of their registration, and this one is registered after the broker.
    /// </summary>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        _listening = null;
        _subscription?.Dispose();
        return Task.CompletedTask;
    }

    public ValueTask<PublishResult> SendAsync(string deviceId, string topic, ReadOnlyMemory<byte> payload, CancellationToken ct)
    {
        // Nothing is queued for an offline device: it would obey the command when it is back, and not every device checks the expiry.
        if (ListeningSince is null || !broker.IsConnected(deviceId))
        {
            return ValueTask.FromResult(PublishResult.NotSent);
        }

        // The shared topic has the whole fleet as subscribers; only the addressed device (and observers) may see this.
        broker.PublishTo(deviceId, topic, payload.Span, MqttQoS.AtLeastOnce, _properties);
        return ValueTask.FromResult(PublishResult.Delivered);
    }

    public async ValueTask EndSessionsAsync(string deviceId) => await broker.DisconnectAsync(deviceId);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private void Handle(in InboundMessage message)
    {
        // Who is no device speaks for none: only an outside broker's messages come without a login.
        var login = BrokerLogin.DeviceIdOf(message.Publisher) ?? "";

        // A device that reconnects causes the will of its old connection, before the new connection's first status. Whether the device is
        // connected is looked up for wills only (only they contain this word): for every heartbeat it would cost too much.
        if (message.Payload.IndexOf("Unavailable"u8) >= 0 && broker.IsConnected(login))
        {
            ingest.AcceptFromConnected(message.Payload, message.Retain, login);
            return;
        }

        ingest.Accept(message.Payload, message.Retain, login);
    }

    /// <param name="Timestamp">Monotonic.</param>
    private sealed record Beginning(DateTimeOffset At, long Timestamp);
}
