using System.CommandLine;
using System.CommandLine.Invocation;

namespace SmartLock.VirtualDevice.Terminal;

internal static class DeviceProgram
{
    public const int Clean = 0;
    public const int Failed = 1;
    public const int WrongInput = 2;

    private static readonly TimeSpan KeyPoll = TimeSpan.FromMilliseconds(50);

    public static async Task<int> RunAsync(string[] args)
    {
        var arguments = new DeviceArguments();
        arguments.Root.SetAction((parsed, cancellationToken) => RunAsync(arguments, parsed, cancellationToken));
        var parsed = arguments.Root.Parse(args);
        if (parsed.Action is ParseErrorAction)
        {
            foreach (var error in parsed.Errors)
            {
                await Console.Error.WriteLineAsync(error.Message);
            }

            return WrongInput;
        }

        return await parsed.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(5) });
    }

    private static async Task<int> RunAsync(DeviceArguments arguments, ParseResult parsed, CancellationToken cancellationToken)
    {
        if (DeviceKeySource.Read(out var complaint) is not { } key)
        {
            await Console.Error.WriteLineAsync(complaint);
            return WrongInput;
        }

        var options = arguments.Read(parsed, key);
        VirtualLock device;
        try
        {
            device = new VirtualLock(options);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"--state-folder: '{options.StateFolder}' cannot be used: {e.Message}");
            return WrongInput;
        }

        await using (device)
        {
            var view = new DeviceView(device, Console.Out, ansi: !Console.IsOutputRedirected);
            device.Happened += view.OnHappened;
            return await PlayAsync(device, view, options.Time, cancellationToken);
        }
    }

    /// <summary>Until q, Ctrl-C, or (a bug) the lock's own end.</summary>
    private static async Task<int> PlayAsync(VirtualLock device, DeviceView view, TimeProvider time, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var connecting = device.StartAsync(stop.Token);
        try
        {
            await WatchKeysAsync(device, view, time, stop.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await device.StopAsync();
            return Clean;
        }

        await stop.CancelAsync();
        await device.StopAsync();
        return connecting.IsFaulted ? Failed : Clean;
    }

    /// <summary>Ends with q. Without a keyboard it only waits.</summary>
    private static async Task WatchKeysAsync(VirtualLock device, DeviceView view, TimeProvider time, CancellationToken cancellationToken)
    {
        if (Console.IsInputRedirected)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        while (true)
        {
            while (Console.KeyAvailable)
            {
                var key = Console.ReadKey(intercept: true).KeyChar;
                if (key is 'q' or 'Q')
                {
                    return;
                }

                if (FaultKeys.Press(device, key))
                {
                    view.Redraw();
                }
            }

            await Task.Delay(KeyPoll, time, cancellationToken);
        }
    }
}
