using System.Diagnostics.CodeAnalysis;

namespace SmartLock.Mqtt;

/// <summary>
/// The peer broke the protocol. <see cref="ReasonCode"/> is what a DISCONNECT (or CONNACK) to it should say before the
/// connection is closed; the message never quotes what the peer sent.
/// </summary>
public sealed class MqttProtocolException(MqttReasonCode reasonCode, string message) : Exception(message)
{
    public MqttReasonCode ReasonCode { get; } = reasonCode;

    [DoesNotReturn]
    internal static void Throw(MqttReasonCode reasonCode, string message) => throw new MqttProtocolException(reasonCode, message);

    [DoesNotReturn]
    internal static void ThrowMalformed(string message) => Throw(MqttReasonCode.MalformedPacket, message);

    [DoesNotReturn]
    internal static void ThrowProtocolError(string message) => Throw(MqttReasonCode.ProtocolError, message);
}
