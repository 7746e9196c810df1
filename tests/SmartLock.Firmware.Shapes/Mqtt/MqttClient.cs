using System.Buffers;
using System.Collections;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Protocol;
using nanoFramework.M2Mqtt.Exceptions;
using nanoFramework.M2Mqtt.Messages;
using Inner = MQTTnet.IMqttClient;
using MqttProtocolVersion = MQTTnet.Formatter.MqttProtocolVersion;

namespace nanoFramework.M2Mqtt;

/// <summary>
/// Over MQTTnet, with the behaviour of the real one that the firmware depends on: the constructor looks the host up; all handlers run on
/// one thread, and one that throws closes the connection; after a loss IsConnected is false at once, while the closing and its event
/// follow later; Close takes its time and sends no DISCONNECT; a message published when closed is lost and no event tells of it, and one that the
/// broker does not acknowledge is given up after three seconds.
/// </summary>
public class MqttClient : IDisposable
{
    private static readonly TimeSpan Lingering = TimeSpan.FromMilliseconds(200);

    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(10);

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
    private int _isLost;

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

        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(_host, _port)
            .WithProtocolVersion(MqttProtocolVersion.V311)
            .WithClientId(clientId)
            .WithCredentials(username, password)
            .WithCleanSession(cleanSession)
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(keepAlivePeriod))
            .WithoutPacketFragmentation();
        if (willFlag)
        {
            builder
                .WithWillTopic(willTopic)
                .WithWillPayload(willMessage)
                .WithWillQualityOfServiceLevel((MqttQualityOfServiceLevel)willQosLevel)
                .WithWillRetain(willRetain);
        }

        if (_authorities is not null)
        {
            builder.WithTlsOptions(tls => tls.UseTls().WithRevocationMode(X509RevocationMode.NoCheck).WithTrustChain(_authorities));
        }

        var refusal = Connect(builder.Build());
        if (refusal == MqttReasonCode.Success)
        {
            IsConnected = true;
            new Thread(Dispatch) { IsBackground = true }.Start();
        }

        return refusal;
    }

    public ushort Subscribe(string[] topics, MqttQoSLevel[] qosLevels)
    {
        var id = NextId();
        var builder = new MqttClientSubscribeOptionsBuilder();
        foreach (var (topic, level) in topics.Zip(qosLevels))
        {
            builder.WithTopicFilter(topic, (MqttQualityOfServiceLevel)level);
        }

        _ = SubscribeAsync(id, builder.Build());
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

        var packet = new MqttApplicationMessage
        {
            Topic = topic,
            Payload = new(message),
            QualityOfServiceLevel = (MqttQualityOfServiceLevel)qosLevel,
            Retain = retain,
        };
        _ = PublishAsync(id, packet);
        return id;
    }

    public void Close()
    {
        IsConnected = false;
        if (Interlocked.Exchange(ref _isClosing, 1) == 0)
        {
            _never.WaitOne(Lingering);
            _events.CompleteAdding();
            Drop();
        }
    }

    public void Dispose()
    {
        Close();
        GC.SuppressFinalize(this);
    }

    private ushort NextId() => (ushort)Interlocked.Increment(ref _lastId);

    private MqttReasonCode Connect(MqttClientOptions options)
    {
        _inner = new MqttClientFactory().CreateMqttClient();
        _inner.ApplicationMessageReceivedAsync += received =>
        {
            Receive(received.ApplicationMessage);
            return Task.CompletedTask;
        };
        _inner.DisconnectedAsync += _ =>
        {
            Lose();
            return Task.CompletedTask;
        };
        try
        {
            using var limit = new CancellationTokenSource(ConnectWithin);
            return _inner.ConnectAsync(options, limit.Token).GetAwaiter().GetResult().ResultCode switch
            {
                MqttClientConnectResultCode.Success => MqttReasonCode.Success,
                MqttClientConnectResultCode.BadUserNameOrPassword => MqttReasonCode.ConnectionRefusedBadUserNameOrPassword,
                _ => MqttReasonCode.ConnectionRefusedNotAuthorized,
            };
        }
        catch (Exception e)
        {
            throw new MqttConnectionException("Exception connecting to the broker", e);
        }
    }

    private async Task SubscribeAsync(ushort id, MqttClientSubscribeOptions filters)
    {
        try
        {
            var answer = await _inner!.SubscribeAsync(filters).ConfigureAwait(false);
            MqttQoSLevel[] granted = [.. answer.Items.Select(item => (MqttQoSLevel)item.ResultCode)];
            Raise(() => MqttMsgSubscribed?.Invoke(this, new MqttMsgSubscribedEventArgs(id, granted)));
        }
        catch (Exception)
        {
            // The connection is gone, which MQTTnet says by exceptions of many kinds.
            Lose();
        }
    }

    private async Task PublishAsync(ushort id, MqttApplicationMessage message)
    {
        using var limit = new CancellationTokenSource(GivingUp);
        bool isPublished;
        try
        {
            isPublished = (await _inner!.PublishAsync(message, limit.Token).ConfigureAwait(false)).IsSuccess;
        }
        catch (Exception) when (limit.IsCancellationRequested)
        {
            isPublished = false;
        }
        catch (Exception)
        {
            // The connection is gone, and no event tells of what was under way on it.
            Lose();
            return;
        }
        finally
        {
            Interlocked.Decrement(ref _inflight);
        }

        Raise(() => MqttMsgPublished?.Invoke(this, new MqttMsgPublishedEventArgs(id, isPublished)));
    }

    private void Receive(MqttApplicationMessage message)
    {
        var level = (MqttQoSLevel)message.QualityOfServiceLevel;
        var e = new MqttMsgPublishEventArgs(message.Topic, message.Payload.ToArray(), message.Dup, level, message.Retain);
        Raise(() => MqttMsgPublishReceived?.Invoke(this, e));
    }

    /// <summary>Without a DISCONNECT.</summary>
    private void Drop()
    {
        try
        {
            _inner?.Dispose();
        }
        catch (ObjectDisposedException)
        {
            // MQTTnet is taking the same connection down on a thread of its own.
            IsConnected = false;
        }
    }

    private void Lose()
    {
        IsConnected = false;
        if (Interlocked.Exchange(ref _isLost, 1) == 1)
        {
            return;
        }

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
