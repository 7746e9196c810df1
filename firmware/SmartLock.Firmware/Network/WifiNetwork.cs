using System;
using System.Device.Wifi;
using System.Net.NetworkInformation;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>The board's Wi-Fi, with an address by DHCP.</summary>
    /// <remarks>
    /// By the adapter itself: nanoFramework's WifiNetworkHelper makes a new adapter with each attempt, and the runtime keeps every one of
    /// them for ever, so that a network which is away for hours would use the memory up.
    /// </remarks>
    internal sealed class WifiNetwork : INetwork
    {
        private const int LookMs = 100;

        private readonly string _ssid;
        private readonly string _password;
        private readonly ThreadPause _pause = new ThreadPause();
        private WifiAdapter _adapter;
        private bool _configured;

        public WifiNetwork(DeviceSettings settings)
        {
            _ssid = settings.WifiSsid;
            _password = settings.WifiPassword;
        }

        public bool IsUp
        {
            get
            {
                try
                {
                    return HasAddress(FindInterface());
                }
                catch (Exception)
                {
                    // No interface can be asked, so none is up.
                    return false;
                }
            }
        }

        /// <summary>With the credentials each time; in between the system reconnects by itself, as soon as the network is there again.</summary>
        public bool Connect(int timeoutMs)
        {
            long until = Environment.TickCount64 + timeoutMs;
            if (_adapter == null)
            {
                _adapter = WifiAdapter.FindAllAdapters()[0];
            }

            NetworkInterface network = FindInterface();
            if (network == null)
            {
                throw new InvalidOperationException("The board has no Wi-Fi.");
            }

            if (!_configured)
            {
                Configure(network);
                _configured = true;
            }

            _adapter.Disconnect();

            // Whatever it answers: the system goes on trying, and the address is what counts.
            _adapter.Connect(_ssid, WifiReconnectionKind.Automatic, _password);
            while (!IsUp && Environment.TickCount64 < until)
            {
                _pause.Wait(LookMs);
            }

            return IsUp;
        }

        /// <summary>The system keeps this in flash of its own, and reconnects by it: once a start, and only when it is not so already.</summary>
        private void Configure(NetworkInterface network)
        {
            Wireless80211Configuration kept =
                Wireless80211Configuration.GetAllWireless80211Configurations()[(int)network.SpecificConfigId];
            if (kept.Ssid != _ssid || kept.Password != _password)
            {
                kept.Ssid = _ssid;
                kept.Password = _password;
                kept.SaveConfiguration();
            }

            if (!network.IsDhcpEnabled)
            {
                network.EnableDhcp();
            }
        }

        private static NetworkInterface FindInterface()
        {
            foreach (NetworkInterface one in NetworkInterface.GetAllNetworkInterfaces())
            {
                if (one.NetworkInterfaceType == NetworkInterfaceType.Wireless80211)
                {
                    return one;
                }
            }

            return null;
        }

        private static bool HasAddress(NetworkInterface network)
        {
            string address = network == null ? null : network.IPv4Address;
            return !string.IsNullOrEmpty(address) && address != "0.0.0.0";
        }
    }
}
