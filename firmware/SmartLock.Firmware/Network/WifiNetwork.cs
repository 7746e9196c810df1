using System;
using System.Device.Wifi;
using System.Net.NetworkInformation;
using System.Threading;
using nanoFramework.Networking;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>The board's Wi-Fi, with an address by DHCP.</summary>
    internal sealed class WifiNetwork : INetwork
    {
        private readonly string _ssid;
        private readonly string _password;

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
                    return HasAddress(NetworkInterface.GetAllNetworkInterfaces());
                }
                catch (Exception)
                {
                    // No interface can be asked, so none is up.
                    return false;
                }
            }
        }

        /// <summary>
        /// With the credentials each time: those that the system keeps by itself may be of another network. It reconnects by itself
        /// too, as soon as the network is there again.
        /// </summary>
        public bool Connect(int timeoutMs)
        {
            using (CancellationTokenSource limit = new CancellationTokenSource(timeoutMs))
            {
                bool up = WifiNetworkHelper.ConnectDhcp(_ssid, _password, WifiReconnectionKind.Automatic, false, 0, limit.Token);
                if (!up && WifiNetworkHelper.Status == NetworkHelperStatus.ExceptionOccurred && WifiNetworkHelper.HelperException != null)
                {
                    throw WifiNetworkHelper.HelperException;
                }

                return up;
            }
        }

        private static bool HasAddress(NetworkInterface[] interfaces)
        {
            foreach (NetworkInterface one in interfaces)
            {
                string address = one.NetworkInterfaceType == NetworkInterfaceType.Wireless80211 ? one.IPv4Address : null;
                if (!string.IsNullOrEmpty(address) && address != "0.0.0.0")
                {
                    return true;
                }
            }

            return false;
        }
    }
}
