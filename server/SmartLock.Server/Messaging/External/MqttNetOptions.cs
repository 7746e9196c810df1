using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;

namespace SmartLock.Server.Messaging.External;

/// <summary>Builds MQTTnet's options and messages from this server's settings.</summary>
internal sealed class MqttNetOptions(MqttOptions options)
{
    // MQTTnet sends PINGREQ when it has sent nothing for a whole period, and waits half of one for the answer.
    private readonly TimeSpan _keepAlive = options.KeepAlive / 2;

    private readonly string _clientId = string.IsNullOrEmpty(options.ClientId)
        ? $"smartlock-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(6))}"
        : options.ClientId;

    private bool IsV5 => options.ProtocolVersion == 5;

    /// <param name="isFirst">Of this process: later connections resume the session if the broker still has it.</param>
    public MqttClientOptions Connect(bool isFirst)
    {
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(options.Host, options.Port)
            .WithTcpServer(CloseGracefully)
            .WithClientId(_clientId)
            .WithProtocolVersion(IsV5 ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311)
            .WithCleanStart(isFirst || !IsV5)
            .WithKeepAlivePeriod(_keepAlive)
            .WithTimeout(BrokerClientLimits.ConnectTimeout)
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

    /// <summary>The session ends with the connection.</summary>
    public static MqttClientDisconnectOptions Disconnect() => new()
    {
        Reason = MqttClientDisconnectOptionsReason.NormalDisconnection,
        SessionExpiryInterval = 0,
    };

    /// <summary>The certificates of <c>Mqtt:CaFile</c>.</summary>
    /// <exception cref="InvalidDataException">The file does not exist, is not PEM, or holds no certificate.</exception>
    public static X509Certificate2Collection ReadAuthorities(string file)
    {
        var authorities = new X509Certificate2Collection();
        try
        {
            authorities.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidDataException($"Mqtt:CaFile cannot be read: {e.Message}", e);
        }

        // MQTTnet takes an empty collection for none, and would trust the system's roots.
        return authorities.Count > 0 ? authorities : throw new InvalidDataException("Mqtt:CaFile holds no certificate.");
    }

    // MQTTnet's default is to reset the connection, which discards acknowledgements and a DISCONNECT that are not sent yet.
    private static void CloseGracefully(MqttClientTcpOptions tcp) => tcp.LingerState = new LingerOption(enable: false, seconds: 0);

    // Private brokers and their authorities rarely publish revocation lists.
    private void Secure(MqttClientTlsOptionsBuilder tls)
    {
        tls.UseTls().WithRevocationMode(X509RevocationMode.NoCheck);
        if (options.CaFile is { } file)
        {
            tls.WithTrustChain(ReadAuthorities(file));
        }
    }
}
