using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace SmartLock.Mqtt.Client;

/// <summary>TLS to the broker; its certificate is always verified, against the system's roots unless others are named.</summary>
public sealed record MqttTlsOptions
{
    /// <summary>The name the broker's certificate must bear, when it is not the host connected to.</summary>
    public string? TargetHost { get; init; }

    /// <summary>A PEM file of the only roots to trust.</summary>
    public string? CertificateAuthorityFile { get; init; }

    /// <summary>The only roots to trust, beside those of <see cref="CertificateAuthorityFile"/>.</summary>
    public X509Certificate2Collection? CertificateAuthorities { get; init; }

    public X509CertificateCollection? ClientCertificates { get; init; }

    public X509RevocationMode RevocationMode { get; init; } = X509RevocationMode.NoCheck;

    internal SslClientAuthenticationOptions ToAuthenticationOptions(string host)
    {
        return new SslClientAuthenticationOptions
        {
            TargetHost = TargetHost ?? host,
            ClientCertificates = ClientCertificates,
            CertificateChainPolicy = CreatePolicy(),
            CertificateRevocationCheckMode = RevocationMode,
        };
    }

    private X509ChainPolicy? CreatePolicy()
    {
        if (CertificateAuthorityFile is null && CertificateAuthorities is null)
        {
            return null;
        }

        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = RevocationMode,
        };
        if (CertificateAuthorityFile is not null)
        {
            policy.CustomTrustStore.ImportFromPemFile(CertificateAuthorityFile);
        }

        if (CertificateAuthorities is not null)
        {
            policy.CustomTrustStore.AddRange(CertificateAuthorities);
        }

        return policy;
    }
}
