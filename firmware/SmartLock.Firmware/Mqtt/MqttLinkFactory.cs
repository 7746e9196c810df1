using SmartLock.Device;

namespace SmartLock.Firmware
{
    internal sealed class MqttLinkFactory : ILinkFactory
    {
        private readonly DeviceSettings _settings;
        private readonly string _root;
        private readonly ILog _log;

        /// <param name="root">Of the flash, where ca.pem is for TLS.</param>
        public MqttLinkFactory(DeviceSettings settings, string root, ILog log)
        {
            _settings = settings;
            _root = root;
            _log = log;
        }

        public ILink Create()
        {
            return new MqttLink(new BrokerAddress(_settings, _root), _log);
        }
    }
}
