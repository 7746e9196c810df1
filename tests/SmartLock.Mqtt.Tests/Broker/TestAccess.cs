using System.Text;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

/// <summary>Lets in whoever has a user name, as that identity, and forbids nothing, unless a test says otherwise.</summary>
internal sealed class TestAccess : IMqttAuthenticator, IMqttAuthorizer
{
    public Func<MqttConnectRequest, CancellationToken, ValueTask<MqttAuthentication>> Authenticate { get; set; } = (request, _) =>
        ValueTask.FromResult(request.UserName is { } name
            ? MqttAuthentication.Accept(new MqttIdentity(name) { SeesDirected = name.StartsWith("observer", StringComparison.Ordinal) })
            : MqttAuthentication.Refuse(MqttReasonCode.BadUserNameOrPassword));

    public HashSet<string> ForbiddenTopics { get; } = [];

    public HashSet<string> ForbiddenFilters { get; } = [];

    /// <summary>How what is forbidden is refused.</summary>
    public MqttReasonCode Refusal { get; set; } = MqttReasonCode.NotAuthorized;

    /// <summary>Called before each answer to a publication.</summary>
    public Action? BeforePublish { get; set; }

    /// <summary>Called with the retain flag that each is asked about.</summary>
    public Action<bool>? BeforeRetain { get; set; }

    public ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct) => Authenticate(request, ct);

    /// <summary>Logins that are gone when a broker starts again.</summary>
    public HashSet<string> Gone { get; } = [];

    public ValueTask<MqttIdentity?> RestoreAsync(string identityName, CancellationToken ct)
    {
        var isObserver = identityName.StartsWith("observer", StringComparison.Ordinal);
        return ValueTask.FromResult(Gone.Contains(identityName) ? null : new MqttIdentity(identityName) { SeesDirected = isObserver });
    }

    public MqttReasonCode CanPublish(MqttIdentity identity, ReadOnlySpan<byte> topicUtf8, bool retain, MqttQoS qos)
    {
        BeforePublish?.Invoke();
        BeforeRetain?.Invoke(retain);
        return ForbiddenTopics.Count > 0 && ForbiddenTopics.Contains(Encoding.UTF8.GetString(topicUtf8))
            ? Refusal
            : MqttReasonCode.Success;
    }

    public MqttReasonCode CanSubscribe(MqttIdentity identity, string filter)
    {
        return ForbiddenFilters.Contains(filter) ? Refusal : MqttReasonCode.Success;
    }
}
