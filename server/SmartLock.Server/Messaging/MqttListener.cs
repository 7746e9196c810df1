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

    public static IEnumerable<IPEndPoint> EndPointsOf(MqttOptions mqtt)
    {
        if (mqtt.Port >= 0)
        {
            yield return new IPEndPoint(AddressOf(mqtt, IPAddress.Loopback), mqtt.Port);
        }

        if (HasCertificate(mqtt))
        {
            yield return new IPEndPoint(AddressOf(mqtt, IPAddress.Any), mqtt.TlsPort);
        }
    }

    public void Configure(KestrelServerOptions kestrel)
    {
        var mqtt = options.Value;
        if (mqtt.Port >= 0)
        {
            kestrel.Listen(AddressOf(mqtt, IPAddress.Loopback), mqtt.Port, listen =>
            {
                listen.UseConnectionHandler<MqttConnectionHandler>();
                _plain = listen;
            });
        }

        if (Load(mqtt) is { } certificate)
        {
            kestrel.Listen(AddressOf(mqtt, IPAddress.Any), mqtt.TlsPort, listen =>
            {
                listen.UseMqttOverTls(new HttpsConnectionAdapterOptions { ServerCertificate = certificate.Own, ServerCertificateChain = certificate.Chain });
                _tls = listen;
            });
        }
    }

    private static IPAddress AddressOf(MqttOptions mqtt, IPAddress whenNotSet) => mqtt.Address is { } given ? IPAddress.Parse(given) : whenNotSet;

    private static bool HasCertificate(MqttOptions mqtt) => mqtt is not { CertificateFile: null, CertificatePem: null };

    /// <summary>With the authorities' certificates behind it in the same text, which a device that knows the root only needs to be shown.</summary>
    private static (X509Certificate2 Own, X509Certificate2Collection Chain)? Load(MqttOptions mqtt)
    {
        if (!HasCertificate(mqtt))
        {
            return null;
        }

        try
        {
            var text = mqtt.CertificatePem ?? File.ReadAllText(mqtt.CertificateFile!);
            var keyText = mqtt.CertificatePem is null
                ? mqtt.CertificateKeyFile is { } file ? File.ReadAllText(file) : text
                : mqtt.CertificateKeyPem ?? text;
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(text);
            return (X509Certificate2.CreateFromPem(text, keyText), chain);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new StartupException(
                "Mqtt:CertificateFile and Mqtt:CertificateKeyFile (or Mqtt:CertificatePem and Mqtt:CertificateKeyPem) do not hold a certificate and its "
                + $"key in PEM: {e.Message}",
                e);
        }
    }
}
