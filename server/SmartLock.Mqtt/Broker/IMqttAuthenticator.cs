using System.Net;
using System.Security.Cryptography.X509Certificates;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// What a CONNECT says about who it is. The client id is empty when the broker is to choose one; the password is wiped once the
/// authenticator has returned.
/// </summary>
public sealed record MqttConnectRequest(
    string ClientId,
    string? UserName,
    ReadOnlyMemory<byte> Password,
    EndPoint? RemoteEndPoint,
    MqttProtocolVersion ProtocolVersion,
    X509Certificate2? Certificate)
{
    /// <summary>Never the password.</summary>
    public override string ToString() => $"{ProtocolVersion} {ClientId} {UserName} {RemoteEndPoint}";
}

/// <summary>An identity, or the reason for a refusal.</summary>
public readonly record struct MqttAuthentication
{
    private MqttAuthentication(MqttIdentity? identity, MqttReasonCode reasonCode)
    {
        Identity = identity;
        ReasonCode = reasonCode;
    }

    public MqttIdentity? Identity { get; }

    public MqttReasonCode ReasonCode { get; }

    public static MqttAuthentication Accept(MqttIdentity identity)
    {
        ArgumentNullException.ThrowIfNull(identity);
        return new(identity, MqttReasonCode.Success);
    }

    public static MqttAuthentication Refuse(MqttReasonCode reasonCode)
    {
        return new(null, reasonCode.IsFailure() ? reasonCode : MqttReasonCode.NotAuthorized);
    }
}

/// <summary>Decides who may connect. Without one registered nobody may.</summary>
public interface IMqttAuthenticator
{
    ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct);

    /// <summary>
    /// The identity that a stored session was left by, when the broker starts again; null when there is no such login any more, which
    /// ends the session.
    /// </summary>
    ValueTask<MqttIdentity?> RestoreAsync(string identityName, CancellationToken ct) => ValueTask.FromResult<MqttIdentity?>(new(identityName));
}

/// <summary>
/// Decides what an identity may publish and subscribe to. Called on the connection's read loop: quick, no I/O, and no
/// allocation in <see cref="CanPublish"/>. Without one registered nobody may do either.
/// </summary>
public interface IMqttAuthorizer
{
    /// <returns><see cref="MqttReasonCode.Success"/>, or the failure that a v5 publisher is told.</returns>
    MqttReasonCode CanPublish(MqttIdentity identity, ReadOnlySpan<byte> topicUtf8, bool retain, MqttQoS qos);

    /// <param name="identity">Who subscribes.</param>
    /// <param name="filter">The filter as matched: without <c>$share/group/</c>.</param>
    MqttReasonCode CanSubscribe(MqttIdentity identity, string filter);
}

/// <summary>Stands in where nothing is registered: fail closed.</summary>
internal sealed class RefuseEverything : IMqttAuthenticator, IMqttAuthorizer
{
    public static readonly RefuseEverything Instance = new();

    public ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct)
    {
        return ValueTask.FromResult(MqttAuthentication.Refuse(MqttReasonCode.NotAuthorized));
    }

    public MqttReasonCode CanPublish(MqttIdentity identity, ReadOnlySpan<byte> topicUtf8, bool retain, MqttQoS qos)
    {
        return MqttReasonCode.NotAuthorized;
    }

    public MqttReasonCode CanSubscribe(MqttIdentity identity, string filter) => MqttReasonCode.NotAuthorized;
}
