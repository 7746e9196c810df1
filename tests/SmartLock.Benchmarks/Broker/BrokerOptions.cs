using System.Globalization;

namespace SmartLock.Benchmarks;

/// <summary>How long to measure; all have defaults that keep a row to a minute or two.</summary>
internal sealed record BrokerOptions
{
    public int Runs { get; init; } = 5;

    public TimeSpan Duration { get; init; } = TimeSpan.FromSeconds(0.6);

    /// <summary>Long enough for .NET and Node.js to have compiled what runs hot for good: before, a fifth of a run's CPU time is the compiler's.</summary>
    public TimeSpan WarmUp { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Idle ones; null for each row's own number.</summary>
    public int? Connections { get; init; }

    /// <returns>Null when the arguments are not understood.</returns>
    public static BrokerOptions? Parse(ReadOnlySpan<string> arguments)
    {
        var options = new BrokerOptions();
        while (arguments is [var name, var text, .. var rest])
        {
            if (!double.TryParse(text, CultureInfo.InvariantCulture, out var value) || value is not (> 0 and <= 1_000_000))
            {
                return null;
            }

            switch (name)
            {
                case "--runs":
                    options = options with { Runs = (int)Math.Ceiling(value) };
                    break;
                case "--seconds":
                    options = options with { Duration = TimeSpan.FromSeconds(value) };
                    break;
                case "--connections":
                    options = options with { Connections = (int)Math.Ceiling(value) };
                    break;
                default:
                    return null;
            }

            arguments = rest;
        }

        return arguments.IsEmpty ? options : null;
    }
}
