using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Options;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Infrastructure;

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
            var certificate = Load(certificateFile, mqtt.CertificateKeyFile);
            kestrel.Listen(address, mqtt.TlsPort, listen =>
            {
                listen.UseMqttOverTls(new HttpsConnectionAdapterOptions { ServerCertificate = certificate });
                _tls = listen;
            });
        }
    }

    private static X509Certificate2 Load(string certificateFile, string? keyFile)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificateFile, keyFile ?? certificateFile);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new StartupException($"Mqtt:CertificateFile and Mqtt:CertificateKeyFile do not hold a certificate and its key in PEM: {e.Message}", e);
        }
    }
}
