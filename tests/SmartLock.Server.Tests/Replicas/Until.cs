namespace SmartLock.Server.Tests.Replicas;

/// <summary>As <see cref="SmartLock.Testing.Eventually"/>, for what several processes and their time limits bring about.</summary>
internal static class Until
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    public static Task TrueAsync(Func<bool> condition, TimeSpan within, string what) => TrueAsync(() => Task.FromResult(condition()), within, what);

    public static async Task TrueAsync(Func<Task<bool>> condition, TimeSpan within, string what)
    {
        using var timer = new PeriodicTimer(Interval);
        using var limit = new CancellationTokenSource(within);
        while (!await condition())
        {
            try
            {
                await timer.WaitForNextTickAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                throw new TimeoutException($"Not within {within.TotalSeconds:0} s: {what}");
            }
        }
    }
}

/// <summary>Lets a load run for a while: what is measured is what happens meanwhile.</summary>
internal static class Pause
{
    public static async Task ForAsync(TimeSpan time)
    {
        using var timer = new PeriodicTimer(time);
        await timer.WaitForNextTickAsync();
    }
}
