using System.Collections;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using nanoFramework.M2Mqtt.Exceptions;
using nanoFramework.M2Mqtt.Messages;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;
using Inner = SmartLock.Mqtt.Client.MqttClient;
using MqttReasonCode = nanoFramework.M2Mqtt.Messages.MqttReasonCode;

namespace nanoFramework.M2Mqtt;

/// <summary>
/// Over SmartLock.Mqtt, with the manners of the real one that the firmware must bear: the constructor looks the host up; all handlers
/// run on one thread, and one that throws closes the connection; after a loss IsConnected is false at once, while the closing and its
/// event follow later; Close takes its time and says nothing; a message published when closed is lost without a word, and one that
/// nobody acknowledges is given up after three seconds.
/// </summary>
public class MqttClient : IDisposable
{
    private static readonly TimeSpan Lingering = TimeSpan.FromMilliseconds(200);

    /// <summary>Three tries, a second apart.</summary>
    private static readonly TimeSpan GivingUp = TimeSpan.FromSeconds(3);

    private readonly string _host;
    private readonly int _port;
    private readonly X509Certificate2Collection? _authorities;
    private readonly BlockingCollection<Action> _events = [];
    private readonly ManualResetEvent _never = new(false);
    private Inner? _inner;
    private int _inflight;
    private int _lastId;
    private int _isClosing;

    public MqttClient(
        string brokerHostName, int brokerPort, bool secure, X509Certificate? caCert, X509Certificate? clientCert, MqttSslProtocols sslProtocol)
    {
        if (secure && (caCert is null || clientCert is not null || sslProtocol != MqttSslProtocols.TLSv1_2))
        {
            throw new ArgumentException("TLS 1.2 with one authority is all that this one knows.");
        }

        Dns.GetHostAddresses(brokerHostName);
        _host = brokerHostName;
        _port = brokerPort;
        _authorities = secure ? [new X509Certificate2(caCert!)] : null;
    }

    public event IMqttClient.MqttMsgPublishEventHandler? MqttMsgPublishReceived;

    public event IMqttClient.MqttMsgPublishedEventHandler? MqttMsgPublished;

    public event IMqttClient.MqttMsgSubscribedEventHandler? MqttMsgSubscribed;

    public event IMqttClient.ConnectionClosedEventHandler? ConnectionClosed;

    public bool IsConnected { get; private set; }

    public MqttSettings Settings => MqttSettings.Instance;

    public MqttReasonCode Connect(
        string clientId,
        string username,
        string password,
        bool willRetain,
        MqttQoSLevel willQosLevel,
        bool willFlag,
        string willTopic,
        string willMessage,
        bool cleanSession,
        ushort keepAlivePeriod)
    {
        if (_authorities is not null && !Settings.ValidateServerCertificate)
        {
            throw new InvalidOperationException("A server that is not validated could be anybody.");
        }

        var will = new MqttWill(willTopic, Encoding.UTF8.GetBytes(willMessage)) { QoS = (MqttQoS)willQosLevel, Retain = willRetain };
        var options = new MqttClientOptions
        {
            Host = _host,
            Port = _port,
            Tls = _authorities is null ? null : new MqttTlsOptions { CertificateAuthorities = _authorities },
            ProtocolVersion = SmartLock.Mqtt.MqttProtocolVersion.V311,
            ClientId = clientId,
            UserName = username,
            Password = password,
            CleanStart = cleanSession,
            KeepAlive = TimeSpan.FromSeconds(keepAlivePeriod),
            Will = willFlag ? will : null,
        };
        _inner = new Inner(options, (message, _) => Receive(message));
        _inner.Disconnected += (_, _) => Lose();
        try
        {
            _inner.ConnectAsync().GetAwaiter().GetResult();
        }
        catch (MqttConnectException e) when (e.ReasonCode is { } refusal)
        {
            return refusal == SmartLock.Mqtt.MqttReasonCode.BadUserNameOrPassword
                ? MqttReasonCode.ConnectionRefusedBadUserNameOrPassword
                : MqttReasonCode.ConnectionRefusedNotAuthorized;
        }
        catch (MqttConnectException e)
        {
            throw new MqttConnectionException("Exception connecting to the broker", e);
        }

        IsConnected = true;
        new Thread(Dispatch) { IsBackground = true }.Start();
        return MqttReasonCode.Success;
    }

    public ushort Subscribe(string[] topics, MqttQoSLevel[] qosLevels)
    {
        var id = NextId();
        _ = SubscribeAsync(id, [.. topics.Zip(qosLevels, (topic, level) => new MqttSubscription(topic, (MqttQoS)level))]);
        return id;
    }

    public ushort Publish(
        string topic, byte[] message, string? contentType, ArrayList? userProperties, MqttQoSLevel qosLevel, bool retain)
    {
        var id = NextId();
        if (!IsConnected)
        {
            return id;
        }

        if (Interlocked.Increment(ref _inflight) > Settings.InflightQueueSize)
        {
            Interlocked.Decrement(ref _inflight);
            throw new MqttClientException(MqttClientErrorCode.InflightQueueFull);
        }

        _ = PublishAsync(id, new MqttMessage(topic, message) { QoS = (MqttQoS)qosLevel, Retain = retain });
        return id;
    }

    public void Close()
    {
        IsConnected = false;
        if (Interlocked.Exchange(ref _isClosing, 1) == 0)
        {
            _never.WaitOne(Lingering);
            _events.CompleteAdding();
            _inner?.Abort();
        }
    }

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private ushort NextId() => (ushort)Interlocked.Increment(ref _lastId);

    private async Task SubscribeAsync(ushort id, MqttSubscription[] filters)
    {
        try
        {
            var codes = await _inner!.SubscribeAsync(filters).ConfigureAwait(false);
            MqttQoSLevel[] granted = [.. codes.Select(code => code.IsFailure() ? MqttQoSLevel.GrantedFailure : (MqttQoSLevel)code)];
            Raise(() => MqttMsgSubscribed?.Invoke(this, new MqttMsgSubscribedEventArgs(id, granted)));
        }
        catch (IOException)
        {
            Lose();
        }
    }

    private async Task PublishAsync(ushort id, MqttMessage message)
    {
        bool isPublished;
        try
        {
            var result = await _inner!.PublishAsync(message).AsTask().WaitAsync(GivingUp, TimeProvider.System).ConfigureAwait(false);
            isPublished = result.IsDelivered;
        }
        catch (TimeoutException)
        {
            isPublished = false;
        }

        Interlocked.Decrement(ref _inflight);
        Raise(() => MqttMsgPublished?.Invoke(this, new MqttMsgPublishedEventArgs(id, isPublished)));
    }

    private ValueTask Receive(MqttReceivedMessage message)
    {
        var e = new MqttMsgPublishEventArgs(message.Topic, message.Payload.ToArray(), false, (MqttQoSLevel)message.QoS, message.Retain);
        Raise(() => MqttMsgPublishReceived?.Invoke(this, e));
        return ValueTask.CompletedTask;
    }

    private void Lose()
    {
        IsConnected = false;
        Raise(() =>
        {
            Close();
            ConnectionClosed?.Invoke(this, EventArgs.Empty);
        });
    }

    private void Raise(Action happening)
    {
        try
        {
            _events.Add(happening);
        }
        catch (InvalidOperationException)
        {
            // Closed: nobody listens any more.
            IsConnected = false;
        }
    }

    private void Dispatch()
    {
        foreach (var happening in _events.GetConsumingEnumerable())
        {
            try
            {
                happening();
            }
#pragma warning disable CA1031 // Whatever it is that a handler throws.
            catch (Exception)
#pragma warning restore CA1031
            {
                Lose();
            }
        }
    }
}
