using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using SmartLock.Device;

namespace SmartLock.VirtualDevice.Connection;

/// <summary>A device's settings in MQTTnet's words: MQTT 3.1.1 with a clean session, as the ESP32's client speaks it.</summary>
internal static class LinkSettings
{
    public static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(10);

    /// <summary>MQTTnet's own buffer for packets begins with 4,096 bytes, on each connection. A report takes some 400, and it grows.</summary>
    private const int WriteBufferBytes = 512;

    public static MqttClientOptions Connect(VirtualLockOptions options, Session session)
    {
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(options.Host, options.Port)
            .WithProtocolVersion(MqttProtocolVersion.V311)
            .WithClientId(session.ClientId)
            .WithCredentials(session.UserName, session.Password)
            .WithCleanStart()
            .WithKeepAlivePeriod(options.KeepAlive)
            .WithTimeout(AnswerWithin)
            .WithoutPacketFragmentation();
        if (options.LeaveWill)
        {
            builder
                .WithWillTopic(session.WillTopic)
                .WithWillPayload(Encoding.UTF8.GetBytes(session.Will))
                .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce);
        }

        if (options.Tls)
        {
            builder.WithTlsOptions(tls => Secure(tls, options));
        }

        var built = builder.Build();
        built.WriterBufferSize = WriteBufferBytes;

        // By default MQTTnet resets the connection at its end, and a DISCONNECT that is still on its way may be lost with it.
        ((MqttClientTcpOptions)built.ChannelOptions).LingerState = new LingerOption(enable: false, seconds: 0);
        return built;
    }

    public static MqttClientSubscribeOptions Subscribe(Session session)
    {
        var builder = new MqttClientSubscribeOptionsBuilder();
        foreach (var topic in session.CommandTopics)
        {
            builder.WithTopicFilter(topic, MqttQualityOfServiceLevel.AtLeastOnce);
        }

        return builder.Build();
    }

    public static MqttApplicationMessage Report(string topic, byte[] payload) => new()
    {
        Topic = topic,
        Payload = new(payload),
        QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
    };

    // Revocation lists are as a rule not to be had where brokers and their authorities are private.
    private static void Secure(MqttClientTlsOptionsBuilder tls, VirtualLockOptions options)
    {
        tls.UseTls().WithRevocationMode(X509RevocationMode.NoCheck).WithCertificateValidationHandler(IsTrusted);
        if (options.CertificateAuthorityFile is { } file)
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            if (authorities.Count == 0)
            {
                // MQTTnet would trust the system's roots instead.
                throw new LinkFailedException("There is no certificate in the file of trusted authorities.");
            }

            tls.WithTrustChain(authorities);
        }
    }

    /// <summary>As without a handler, but the exception says what is wrong with the certificate.</summary>
    private static bool IsTrusted(MqttClientCertificateValidationEventArgs certificate)
    {
        if (certificate.SslPolicyErrors is SslPolicyErrors.None)
        {
            return true;
        }

        var errors = certificate.Chain.ChainStatus.Select(status => status.Status.ToString()).Prepend(certificate.SslPolicyErrors.ToString());
        throw new AuthenticationException($"The broker's certificate is not trusted: {string.Join(", ", errors.Distinct())}.");
    }
}
