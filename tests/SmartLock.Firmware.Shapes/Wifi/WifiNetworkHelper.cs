using System.Device.Wifi;
using SmartLock.Firmware.Shapes;

namespace nanoFramework.Networking;

public static class WifiNetworkHelper
{
    private const int LookMs = 20;

    private static readonly AsyncLocal<(NetworkHelperStatus Status, Exception? Trouble)> Last = new();

    public static NetworkHelperStatus Status => Last.Value.Status;

    public static Exception? HelperException => Last.Value.Trouble;

    public static bool ConnectDhcp(
        string ssid,
        string password,
        WifiReconnectionKind reconnectionKind = WifiReconnectionKind.Automatic,
        bool requiresDateTime = false,
        int wifiAdapterId = 0,
        CancellationToken token = default)
    {
        var air = Bench.Current.Air;
        if (air.Trouble is { } trouble)
        {
            Last.Value = (NetworkHelperStatus.ExceptionOccurred, trouble);
            return false;
        }

        air.Join(ssid, password);
        while (air.Address[0] == '0')
        {
            if (token.WaitHandle.WaitOne(LookMs))
            {
                Last.Value = (NetworkHelperStatus.TokenExpiredWaitingIPAddress, null);
                return false;
            }
        }

        Last.Value = (NetworkHelperStatus.NetworkIsReady, null);
        return true;
    }
}
