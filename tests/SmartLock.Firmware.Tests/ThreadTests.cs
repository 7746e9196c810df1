using SmartLock.Device;
using SmartLock.Firmware.Shapes;
using SmartLock.Firmware.Tests.Rig;
using SmartLock.Testing;

namespace SmartLock.Firmware.Tests;

/// <summary>What runs for ever on the board, where an exception that leaves a thread ends it in silence.</summary>
public sealed class ThreadTests
{
    private readonly Bench _bench = Bench.PutOnTable();
    private readonly RecordingLog _log = new();

    [Fact]
    public async Task A_thing_that_throws_is_done_again_a_second_later()
    {
        var calls = 0;
        var since = TimeProvider.System.GetTimestamp();
        var second = new TaskCompletionSource<TimeSpan>(TaskCreationOptions.RunContinuationsAsynchronously);

        Run(_log, () =>
        {
            if (++calls == 2)
            {
                second.TrySetResult(TimeProvider.System.GetElapsedTime(since));
            }

            throw new InvalidOperationException("out of order");
        });

        (await second.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken)).TotalMilliseconds.ShouldBeGreaterThan(900);
        _log.Lines.ShouldAllBe(line => line == "thing: out of order");
    }

    [Fact]
    public async Task Not_even_a_log_that_throws_ends_the_thread()
    {
        var log = new FullLog();

        Run(log, () => throw new InvalidOperationException("out of memory"));

        await Eventually.TrueAsync(() => log.Last == "thing: out of memory, after 2 untold", "the third line");
    }

    [Fact]
    public void The_bolts_pin_is_the_first_that_is_opened()
    {
        var settings = new DeviceSettings
        {
            WifiSsid = "home",
            Host = "127.0.0.1",
            DeviceId = Door.DeviceId,
            Key = Door.KeyText,
            BoltPin = 18,
            ButtonPin = 19,
            DoorPin = 21,
            BatteryPin = 22,
        };

        _ = new RunningLock(settings, "no such flash/", new BoardSystem(), _log);

        _bench.Pins.Record.Take(4).ShouldBe(["open 18 Output", "18 low", "open 19 InputPullUp", "open 22 InputPullUp"]);
        _bench.Pins.Record.ShouldContain("open 21 InputPullUp");
        _bench.Pins.Record.ShouldNotContain("18 high");
    }

    private static void Run(ILog log, ThreadStart once) => new Thread(new Loop("thing", once, 1, log).Run) { IsBackground = true }.Start();

    /// <summary>Takes no line before the third.</summary>
    private sealed class FullLog : ILog
    {
        private int _lines;

        public string? Last { get; private set; }

        public void Write(string line)
        {
            if (++_lines < 3)
            {
                throw new InvalidOperationException("no room");
            }

            Last ??= line;
        }
    }
}
