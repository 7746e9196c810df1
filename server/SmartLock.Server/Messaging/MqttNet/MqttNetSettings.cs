using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace SmartLock.Server.Messaging.MqttNet;

/// <summary>This server's settings in MQTTnet's words.</summary>
internal sealed class MqttNetSettings(MqttOptions options)
{
    // MQTTnet asks when it has sent nothing for a whole period, and waits half of one for the answer.
    private readonly TimeSpan _keepAlive = options.KeepAlive / 2;

    private readonly string _clientId = BrokerClientLimits.ClientIdOf(options);

    private bool IsV5 => options.ProtocolVersion == 5;

    /// <param name="isFirst">Of this process: later connections resume the session where the broker still has it.</param>
    public MqttClientOptions Connect(bool isFirst)
    {
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(options.Host, options.Port)
            .WithClientId(_clientId)
            .WithProtocolVersion(IsV5 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311)
            .WithCleanStart(isFirst || !IsV5)
            .WithKeepAlivePeriod(_keepAlive)
            .WithTimeout(BrokerClientLimits.ConnectWithin)
            .WithoutPacketFragmentation();
        if (IsV5)
        {
            builder
                .WithSessionExpiryInterval((uint)BrokerClientLimits.SessionExpiry.TotalSeconds)
                .WithReceiveMaximum(BrokerClientLimits.ReceiveMaximum)
                .WithMaximumPacketSize(BrokerClientLimits.MaximumPacketSize);
        }

        if (options.UserName is not null || options.Password is not null)
        {
            builder.WithCredentials(options.UserName ?? "", options.Password ?? "");
        }

        return options.Tls ? builder.WithTlsOptions(Secure).Build() : builder.Build();
    }

    public MqttClientSubscribeOptions Subscribe(string filter) => new MqttClientSubscribeOptionsBuilder()
        .WithTopicFilter(f =>
        {
            f.WithTopic(filter).WithAtLeastOnceQoS();
            if (IsV5)
            {
                f.WithRetainAsPublished().WithRetainHandling(MqttRetainHandling.DoNotSendOnSubscribe);
            }
        })
        .Build();

    public static MqttClientUnsubscribeOptions Unsubscribe(IReadOnlyList<string> filters)
    {
        var builder = new MqttClientUnsubscribeOptionsBuilder();
        foreach (var filter in filters)
        {
            builder.WithTopicFilter(filter);
        }

        return builder.Build();
    }

    public MqttApplicationMessage Message(string topic, ReadOnlyMemory<byte> payload, uint expirySeconds) => new()
    {
        Topic = topic,
        Payload = new(payload),
        QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
        MessageExpiryInterval = IsV5 ? expirySeconds : 0,
    };

    /// <summary>For good: the session ends with the connection.</summary>
    public static MqttClientDisconnectOptions Disconnect() => new()
    {
        Reason = MqttClientDisconnectOptionsReason.NormalDisconnection,
        SessionExpiryInterval = 0,
    };

    // Revocation lists are as a rule not to be had where brokers and their authorities are private.
    private void Secure(MqttClientTlsOptionsBuilder tls)
    {
        tls.UseTls().WithRevocationMode(X509RevocationMode.NoCheck);
        if (options.CaFile is { } file)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            tls.WithTrustChain(authorities);
        }
    }
}
