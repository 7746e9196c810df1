namespace SmartLock.Mqtt.Client;

/// <summary>
/// Exponential backoff: doubles from the minimum to the maximum, and of each step a random half is waited, so that a fleet
/// does not come back as one wave.
/// </summary>
internal static class ReconnectDelay
{
    /// <param name="options">Minimum and maximum.</param>
    /// <param name="attempt">1 for the first reconnect.</param>
    /// <param name="random">From 0 up to 1.</param>
    public static TimeSpan Of(MqttClientOptions options, int attempt, double random)
    {
        var doublings = Math.Min(attempt - 1, 30);
        var step = Math.Min(options.ReconnectMaximum.TotalSeconds, options.ReconnectMinimum.TotalSeconds * (1L << doublings));
        return TimeSpan.FromSeconds(step * (0.5 + (random / 2)));
    }
}
