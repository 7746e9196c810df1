namespace SmartLock.Mqtt.Tests.Hostile;

internal static class Signals
{
    /// <summary>For what happens on other threads and has no signal of its own.</summary>
    public static async Task Until(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            patience.Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }
}
