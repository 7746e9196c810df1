using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

/// <summary>What a CONNECT asks for, and what it gets.</summary>
internal sealed partial class BrokerConnection
{
    private const int LongestClientId = 256;

    private static MqttReasonCode? CheckConnect(ConnectPacket connect)
    {
        if (connect.Properties?.AuthenticationMethod is not null)
        {
            return MqttReasonCode.BadAuthenticationMethod;
        }

        var mustName = connect is { ProtocolVersion: MqttProtocolVersion.V311, CleanStart: false };
        return connect.ClientId.Length > LongestClientId || (mustName && connect.ClientId.Length == 0)
            ? MqttReasonCode.ClientIdentifierNotValid
            : null;
    }

    private void ApplyLimits(ConnectPacket connect, string clientId)
    {
        var options = _core.Options;
        var asked = connect.Properties;
        var isV5 = connect.ProtocolVersion == MqttProtocolVersion.V500;
        Window = Math.Min(asked?.ReceiveMaximum ?? ushort.MaxValue, Math.Min(options.MaxInflight, Identity.MaxInflight));
        _wantsProblemInformation = asked?.RequestProblemInformation ?? true;
        SessionExpiryMilliseconds = ExpiryOf(connect);
        int keepAlive = connect.KeepAlive;
        if (isV5 && (keepAlive == 0 || keepAlive > options.MaxKeepAliveSeconds))
        {
            keepAlive = options.MaxKeepAliveSeconds;
        }

        _idleLimit = keepAlive * 1500L;
        if (!isV5)
        {
            return;
        }

        var expiry = (uint)(SessionExpiryMilliseconds / 1000);
        _connAckProperties = new MqttProperties
        {
            SessionExpiryInterval = expiry == (asked?.SessionExpiryInterval ?? 0) ? null : expiry,
            ReceiveMaximum = (ushort)options.ReceiveMaximum,
            MaximumPacketSize = (uint)options.MaxPacketSize,
            TopicAliasMaximum = options.MaxTopicAliases > 0 ? (ushort)options.MaxTopicAliases : null,
            ServerKeepAlive = keepAlive == connect.KeepAlive ? null : (ushort)keepAlive,
            AssignedClientIdentifier = connect.ClientId.Length == 0 ? clientId : null,
        };
    }

    private long ExpiryOf(ConnectPacket connect)
    {
        if (!Identity.KeepsSessions)
        {
            return 0;
        }

        var most = (long)_core.Options.MaxSessionExpiry.TotalMilliseconds;
        if (connect.ProtocolVersion == MqttProtocolVersion.V500)
        {
            return Math.Min((connect.Properties?.SessionExpiryInterval ?? 0) * 1000L, most);
        }

        return connect.CleanStart ? 0 : most;
    }
}
