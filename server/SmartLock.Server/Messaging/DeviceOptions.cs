namespace SmartLock.Server.Messaging;

/// <summary>Configuration section <c>Devices</c>.</summary>
internal sealed class DeviceOptions
{
    public const string Section = "Devices";
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>No believed status for this long makes a lock Unavailable. Devices report every 9 s: two may be lost.</summary>
    public TimeSpan OfflineAfter { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How often devices that stopped reporting, and commands without a verdict, are looked for.</summary>
    public TimeSpan SweepEvery { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>A command that has not reached its device by then is refused by it.</summary>
    public TimeSpan CommandValidity { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Lets locks be registered, and believed, without signatures. Only for a broker where every client is trusted.</summary>
    public bool AllowUnsigned { get; set; }

    /// <summary>Whole seconds, rounded up: as MQTT counts a message's expiry.</summary>
    public uint CommandValiditySeconds => (uint)Math.Ceiling(CommandValidity.TotalSeconds);

    /// <summary>For schedules, which are made before options are there to be injected.</summary>
    public static TimeSpan SweepEveryOf(IConfiguration configuration) =>
        configuration.GetSection(Section).GetValue(nameof(SweepEvery), new DeviceOptions().SweepEvery);

    public static string? Check(DeviceOptions options)
    {
        // A bare number is a number of days: these upper bounds refuse what was meant as seconds.
        if (options.OfflineAfter < Second || options.OfflineAfter > TimeSpan.FromHours(1))
        {
            return "Devices:OfflineAfter must be between 00:00:01 and 01:00:00 (hours:minutes:seconds).";
        }

        if (options.SweepEvery < Second || options.SweepEvery > TimeSpan.FromDays(1))
        {
            return "Devices:SweepEvery must be between 00:00:01 and 1.00:00:00 (hours:minutes:seconds).";
        }

        return options.CommandValidity >= Second && options.CommandValidity <= TimeSpan.FromMinutes(1)
            ? null
            : "Devices:CommandValidity must be between 00:00:01 and 00:01:00 (hours:minutes:seconds).";
    }
}
