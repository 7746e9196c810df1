using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace SmartLock.Mqtt.Tests.Broker;

internal static class Certificates
{
    /// <summary>For localhost, signed by itself.</summary>
    public static X509Certificate2 Make()
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
