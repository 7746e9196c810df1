using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Options;
using SmartLock.Mqtt.Broker;

namespace SmartLock.Server.Messaging;

/// <summary>The embedded broker's TCP endpoints, on the same Kestrel as HTTP.</summary>
internal sealed class MqttListener(IOptions<MqttOptions> options) : IConfigureOptions<KestrelServerOptions>
{
    private ListenOptions? _plain;
    private ListenOptions? _tls;

    /// <summary>Where devices connect; known once the server has started. Null when there is no such listener.</summary>
    public IPEndPoint? EndPoint => _plain?.IPEndPoint;

    public IPEndPoint? TlsEndPoint => _tls?.IPEndPoint;

    public void Configure(KestrelServerOptions kestrel)
    {
        var mqtt = options.Value;
        var address = IPAddress.Parse(mqtt.Address);
        if (mqtt.Port >= 0)
        {
            kestrel.Listen(address, mqtt.Port, listen =>
            {
                listen.UseConnectionHandler<MqttConnectionHandler>();
                _plain = listen;
            });
        }

        if (mqtt.CertificateFile is { } certificateFile)
        {
            var certificate = X509Certificate2.CreateFromPemFile(certificateFile, mqtt.CertificateKeyFile ?? certificateFile);
            kestrel.Listen(address, mqtt.TlsPort, listen =>
            {
                listen.UseHttps(certificate);
                listen.UseConnectionHandler<MqttConnectionHandler>();
                _tls = listen;
            });
        }
    }
}
