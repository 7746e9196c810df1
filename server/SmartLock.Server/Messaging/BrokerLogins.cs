using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Accounts;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Telemetry;

namespace SmartLock.Server.Messaging;

/// <summary>What a login on the embedded broker may do.</summary>
internal abstract record BrokerLogin
{
    internal sealed record Device(string DeviceId) : BrokerLogin
    {
        public byte[] OwnStatus { get; } = Encoding.UTF8.GetBytes(Topics.StatusOf(DeviceId));
    }

    internal sealed record Observer : BrokerLogin;

    /// <summary>The device id that <paramref name="identity"/> logged in as, null for others.</summary>
    public static string? DeviceIdOf(MqttIdentity? identity) => (identity?.Tag as Device)?.DeviceId;
}

/// <summary>
/// Who may connect to the embedded broker: devices, by the password that their key proves, and the observers that the operator named.
/// </summary>
internal sealed partial class BrokerLogins(
    DeviceCache devices,
    IOptions<MqttOptions> mqtt,
    IOptions<DeviceOptions> deviceOptions,
    RefusedLogins refused,
    LoginThrottle slowdown,
    TimeProvider time,
    ILogger<BrokerLogins> log) : IMqttAuthenticator
{
    // A slash, which no device id has, so that an observer is never taken for a device of its name.
    private const string ObserverPrefix = "observer/";

    /// <summary>
    /// Mosquitto's own. nanoFramework's client has one queue for what it sends and what it is sent, and drops what does not fit without a
    /// word; such a message would take up its place in the window for good.
    /// </summary>
    private const int DeviceWindow = 20;

    /// <summary>A device needs one. The other is for the moment in which it is back and its last connection is not known to be dead.</summary>
    private const int SessionsOfDevice = 2;

    // Compared with when there is no such login, so that the answer takes the same steps.
    private static readonly byte[] NobodysKey = RandomNumberGenerator.GetBytes(DeviceKeys.KeyBytes);
    private readonly LogThrottle _throttle = new(time, TimeSpan.FromSeconds(10));

    public async ValueTask<MqttAuthentication> AuthenticateAsync(MqttConnectRequest request, CancellationToken ct)
    {
        var userName = request.UserName ?? "";
        try
        {
            var identity = FindObserver(userName) is { } observer
                ? CheckObserver(observer, request)
                : CheckDevice(userName, await FindDeviceAsync(userName, ct), request.Password.Span);
            return identity is null ? Refuse(request) : MqttAuthentication.Accept(identity);
        }
        catch (StoreUnavailableException)
        {
            return MqttAuthentication.Refuse(MqttReasonCode.ServerUnavailable);
        }
    }

    public async ValueTask<MqttIdentity?> RestoreAsync(string identityName, CancellationToken ct)
    {
        if (identityName.StartsWith(ObserverPrefix, StringComparison.Ordinal))
        {
            return FindObserver(identityName[ObserverPrefix.Length..]) is { } observer ? IdentityOf(observer) : null;
        }

        return await FindDeviceAsync(identityName, ct) is { } device ? IdentityOf(device) : null;
    }

    private MqttObserver? FindObserver(string userName) => mqtt.Value.Observers.FirstOrDefault(o => o.Name == userName);

    // An observer's password was thought up by somebody and can be guessed. A device's is 256 bits of a MAC: its login is looked at always,
    // so that nobody who guesses at its address keeps it out.
    private MqttIdentity? CheckObserver(MqttObserver observer, MqttConnectRequest request)
    {
        var address = ClientAddress.Of((request.RemoteEndPoint as IPEndPoint)?.Address);
        using var attempt = slowdown.TryBegin(ObserverPrefix + observer.Name, address, isKnown: true, out _);
        if (attempt is null)
        {
            return null;
        }

        if (!CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(observer.Password), request.Password.Span))
        {
            attempt.Failed();
            return null;
        }

        attempt.Succeeded();
        return IdentityOf(observer);
    }

    private static MqttIdentity IdentityOf(MqttObserver observer) =>
        new(ObserverPrefix + observer.Name) { SeesDirected = true, Tag = new BrokerLogin.Observer() };

    private static MqttIdentity IdentityOf(CachedDevice device) => new(device.DeviceId)
    {
        // The first sketch passes its status's length where PubSubClient takes "retained".
        NeverRetains = device.IsUnsigned,
        MaxInflight = DeviceWindow,
        Holder = device.Owner,
        MaxSessions = SessionsOfDevice,
        // It cannot check a command's expiry: a session that outlives its connection would keep commands for it that have ended.
        KeepsSessions = !device.IsUnsigned,
        ResendsExpired = false,
        Tag = new BrokerLogin.Device(device.DeviceId),
    };

    private async ValueTask<CachedDevice?> FindDeviceAsync(string userName, CancellationToken ct)
    {
        var device = userName.Length is > 0 and <= Topics.MaxDeviceIdLength ? await devices.FindAsync(userName, ct) : null;
        return device is { IsUnsigned: true } && !deviceOptions.Value.AllowUnsigned ? null : device;
    }

    private static MqttIdentity? CheckDevice(string userName, CachedDevice? device, ReadOnlySpan<byte> password)
    {
        var expected = Signatures.MqttPassword(device?.Key ?? NobodysKey, userName);
        var matches = CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(expected), password);
        return matches && device is not null
            ? IdentityOf(device)
            : null;
    }

    private MqttAuthentication Refuse(MqttConnectRequest request)
    {
        refused.AtBroker();
        if (_throttle.TryEnter(out var unsaid))
        {
            LogRefused(request.RemoteEndPoint?.ToString() ?? "in process", unsaid);
        }

        return MqttAuthentication.Refuse(MqttReasonCode.BadUserNameOrPassword);
    }

    [LoggerMessage(1, LogLevel.Warning, "Refused an MQTT login from {RemoteEndPoint}: wrong user name or password; {Unsaid} more since the last such line")]
    private partial void LogRefused(string remoteEndPoint, long unsaid);
}

/// <summary>A device publishes and reads its own topics only; an observer reads; nobody retains anything.</summary>
internal sealed class BrokerRights : IMqttAuthorizer
{
    private const string ObservedPrefix = "smartlock/";

    public MqttReasonCode CanPublish(MqttIdentity identity, ReadOnlySpan<byte> topicUtf8, bool retain, MqttQoS qos)
    {
        if (identity.Tag is not BrokerLogin.Device device || retain)
        {
            return MqttReasonCode.NotAuthorized;
        }

        return topicUtf8.SequenceEqual("smartlock/status"u8) || topicUtf8.SequenceEqual(device.OwnStatus)
            ? MqttReasonCode.Success
            : MqttReasonCode.NotAuthorized;
    }

    public MqttReasonCode CanSubscribe(MqttIdentity identity, string filter)
    {
        var allowed = identity.Tag switch
        {
            BrokerLogin.Device device => filter == Topics.Commands || filter == Topics.CommandsOf(device.DeviceId),
            BrokerLogin.Observer => filter.StartsWith(ObservedPrefix, StringComparison.Ordinal),
            _ => false,
        };
        return allowed ? MqttReasonCode.Success : MqttReasonCode.NotAuthorized;
    }
}
