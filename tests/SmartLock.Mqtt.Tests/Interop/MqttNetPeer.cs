using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading.Channels;
using MQTTnet;
using MQTTnet.Protocol;

namespace SmartLock.Mqtt.Tests.Interop;

/// <summary>A client of MQTTnet and its one connection; a test reads what it received message by message.</summary>
internal sealed class MqttNetPeer : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Channel<MqttApplicationMessage> _received = Channel.CreateUnbounded<MqttApplicationMessage>();
    private readonly TaskCompletionSource<MqttClientDisconnectReason> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public MqttNetPeer()
    {
        Client.ApplicationMessageReceivedAsync += received => _received.Writer.WriteAsync(received.ApplicationMessage).AsTask();
        Client.DisconnectedAsync += ended =>
        {
            _ended.TrySetResult(ended.Reason);
            return Task.CompletedTask;
        };
    }

    public IMqttClient Client { get; } = new MqttClientFactory().CreateMqttClient();

    public bool HasNothing => _received.Reader.Count == 0;

    /// <summary>Completes with what the broker gave as the reason.</summary>
    public Task<MqttClientDisconnectReason> Ended => _ended.Task.WaitAsync(Patience);

    /// <summary>Options with a client id of their own; the certificate authority is the broker's.</summary>
    public static MqttClientOptionsBuilder Options(InteropBroker broker, MqttProtocolVersion version, string transport = "tcp")
    {
        var options = new MqttClientOptionsBuilder()
            .WithClientId($"net{Guid.NewGuid():N}"[..20])
            .WithCredentials(InteropBroker.UserName, broker.Password)
            .WithProtocolVersion((MQTTnet.Formatter.MqttProtocolVersion)version);
        options = transport is "ws" or "wss"
            ? options.WithWebSocketServer(socket => socket.WithUri($"{transport}://localhost:{broker.Port(transport)}/mqtt"))
            : options.WithTcpServer("localhost", broker.Port(transport));
        return transport is "tls" or "wss"
            ? options.WithTlsOptions(tls => tls.UseTls().WithCertificateValidationHandler(shown => IsIssuedBy(broker.CertificateAuthorityFile, shown.Certificate)))
            : options;
    }

    /// <summary>A client whose CONNECT was accepted.</summary>
    public static async Task<MqttNetPeer> ConnectAsync(MqttClientOptionsBuilder options, bool resumes = false)
    {
        var peer = new MqttNetPeer();
        try
        {
            var answer = await peer.OpenAsync(options);
            answer.ResultCode.ShouldBe(MqttClientConnectResultCode.Success);
            answer.IsSessionPresent.ShouldBe(resumes);
            return peer;
        }
        catch
        {
            peer.Dispose();
            throw;
        }
    }

    /// <summary>Sends CONNECT and waits for the answer, whatever it is.</summary>
    public Task<MqttClientConnectResult> OpenAsync(MqttClientOptionsBuilder options) => Client.ConnectAsync(options.Build()).WaitAsync(Patience);

    public async Task SubscribeAsync(string filter, MqttQoS qos)
    {
        var answer = await Client.SubscribeAsync(filter, (MqttQualityOfServiceLevel)qos).WaitAsync(Patience);
        ((int)answer.Items.Single().ResultCode).ShouldBe((int)qos);
    }

    public Task PublishAsync(string topic, string payload, MqttQoS qos, bool retain = false) => PublishAsync(new MqttApplicationMessage
    {
        Topic = topic,
        PayloadSegment = Encoding.UTF8.GetBytes(payload),
        QualityOfServiceLevel = (MqttQualityOfServiceLevel)qos,
        Retain = retain,
    });

    public async Task PublishAsync(MqttApplicationMessage message)
    {
        var answer = await Client.PublishAsync(message).WaitAsync(Patience);
        answer.IsSuccess.ShouldBeTrue($"{answer.ReasonCode}");
    }

    public async Task<MqttApplicationMessage> NextAsync() => await _received.Reader.ReadAsync().AsTask().WaitAsync(Patience);

    /// <summary>The next message as topic, payload and QoS.</summary>
    public async Task<(string Topic, string Payload, MqttQoS QoS)> NextTextAsync()
    {
        var message = await NextAsync();
        return (message.Topic, message.ConvertPayloadToString() ?? "", (MqttQoS)message.QualityOfServiceLevel);
    }

    /// <summary>Says DISCONNECT.</summary>
    public Task LeaveAsync() => Client.DisconnectAsync().WaitAsync(Patience);

    /// <summary>Closes the socket without DISCONNECT, unless there was one.</summary>
    public void Dispose() => Client.Dispose();

    private static bool IsIssuedBy(string authorityFile, X509Certificate shown)
    {
        using var authority = X509Certificate2.CreateFromPem(File.ReadAllText(authorityFile));
        using var certificate = X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        return chain.Build(certificate);
    }
}
