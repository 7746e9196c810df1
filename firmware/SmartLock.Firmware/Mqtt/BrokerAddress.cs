using System;
using System.Security.Cryptography.X509Certificates;
using nanoFramework.M2Mqtt;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>Where the broker is, and by which authority it is known.</summary>
    internal sealed class BrokerAddress
    {
        public const string AuthorityFile = "ca.pem";

        private const int MaxAuthorityLength = 8192;

        private readonly DeviceSettings _settings;
        private readonly string _root;

        public BrokerAddress(DeviceSettings settings, string root)
        {
            _settings = settings;
            _root = root;
        }

        /// <summary>Looks the host's name up. Throws when it has no address, and over TLS when there is no authority to check it by.</summary>
        public MqttClient CreateClient()
        {
            X509Certificate authority = _settings.Tls ? ReadAuthority() : null;
            MqttSslProtocols protocol = _settings.Tls ? MqttSslProtocols.TLSv1_2 : MqttSslProtocols.None;
            MqttClient client = new MqttClient(_settings.Host, _settings.Port, _settings.Tls, authority, null, protocol);
            client.Settings.ValidateServerCertificate = true;
            return client;
        }

        private X509Certificate ReadAuthority()
        {
            byte[] pem = SmallFile.Read(_root + AuthorityFile, MaxAuthorityLength);
            if (pem == null || pem.Length == 0)
            {
                throw new InvalidOperationException("There is no " + AuthorityFile + " for TLS.");
            }

            // The chip's TLS takes text only with a zero behind it.
            byte[] text = new byte[pem.Length + 1];
            Array.Copy(pem, text, pem.Length);
            return new X509Certificate(text);
        }
    }
}
