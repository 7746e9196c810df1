namespace SmartLock.Server.Infrastructure;

/// <summary>
/// How many connections there may be at once, so that all of them together, with the store, the log and outgoing calls, fit into the file
/// descriptors of the process: a .NET process that runs out of them is aborted.
/// </summary>
/// <param name="Http">Of HTTP, WebSockets included.</param>
/// <param name="HttpPerNetwork">Of HTTP from one IPv4 address or IPv6 /64 network that is no trusted proxy.</param>
/// <param name="Mqtt">Of the embedded broker over TCP, logged in or not; 0 where there is none.</param>
internal sealed record ConnectionBounds(int Http, int HttpPerNetwork, int Mqtt)
{
    public const string HttpSetting = "Http:MaxConnections";
    public const string PerNetworkSetting = "Http:MaxConnectionsPerNetwork";
    public const string MqttSetting = "Mqtt:MaxConnections";

    /// <summary>Kept for the store's files and connections, the log, outgoing calls and the runtime itself.</summary>
    public const int Reserve = 384;

    /// <summary>With fewer there is no room for a person and a device beside those that only sit there.</summary>
    public const int Least = 16;

    private const int WantedHttp = 10_000;
    private const int WantedMqtt = 50_000;
    private const int WantedPerNetwork = 256;

    /// <summary>Of the reserve: connections that were accepted and of which the bounds have not been told, or that are being closed.</summary>
    private const int InPassing = 64;

    /// <summary>No more connections are accepted while there are so many; they wait in the system's queue.</summary>
    public int Whole => Http + Mqtt + InPassing;

    /// <param name="descriptors">As <see cref="DescriptorLimit"/> reads them; null for unlimited.</param>
    /// <param name="http">As <see cref="HttpSetting"/> has it; null when it is not set. So are the next two.</param>
    /// <param name="isEmbedded">Whether this process is the MQTT broker.</param>
    /// <exception cref="StartupException">What is asked for does not fit.</exception>
    public static ConnectionBounds Of(long? descriptors, int? http, int? perNetwork, int? mqtt, bool isEmbedded)
    {
        CheckLeast(HttpSetting, http);
        CheckLeast(MqttSetting, isEmbedded ? mqtt : null);
        var room = descriptors is { } limit ? limit - Reserve : long.MaxValue;
        if (room < Least * 2)
        {
            throw new StartupException(
                $"This process may open {descriptors} files, and needs {Reserve + (Least * 2)} at least: raise the limit (ulimit -n, or LimitNOFILE= of systemd).");
        }

        var mqttBound = isEmbedded ? mqtt ?? (int)Math.Min(WantedMqtt, http is { } taken ? room - taken : room * 3 / 4) : 0;
        var httpBound = http ?? (int)Math.Min(WantedHttp, room - mqttBound);
        if (httpBound < Least || (isEmbedded && mqttBound < Least) || (long)httpBound + mqttBound > room)
        {
            throw new StartupException(
                $"{Describe(HttpSetting, http)} and {Describe(MqttSetting, mqtt)} do not fit: of the {descriptors} files that this process may open {Reserve} "
                + $"are kept for the store, the log and outgoing calls, which leaves {room} for connections, {Least} of each kind at least. "
                + "Lower the setting, or raise the limit (ulimit -n, or LimitNOFILE= of systemd).");
        }

        if (perNetwork is < 1 || perNetwork > httpBound)
        {
            throw new StartupException($"{PerNetworkSetting} must be between 1 and the {httpBound} of {HttpSetting}.");
        }

        return new ConnectionBounds(httpBound, perNetwork ?? Math.Min(WantedPerNetwork, Math.Max(1, httpBound / 4)), mqttBound);
    }

    private static void CheckLeast(string setting, int? value)
    {
        if (value < Least)
        {
            throw new StartupException($"{setting} must be at least {Least}.");
        }
    }

    private static string Describe(string setting, int? value) => value is { } given ? $"{setting}={given}" : $"{setting} (not set)";
}
