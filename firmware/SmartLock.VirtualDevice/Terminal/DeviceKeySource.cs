using System.Text;
using SmartLock.Device;

namespace SmartLock.VirtualDevice.Terminal;

internal static class DeviceKeySource
{
    public const string Variable = "SMARTLOCK_DEVICE_KEY";

    private const int MaxTyped = 256;

    /// <summary>
    /// From the environment, else the first line of standard input, else asked for without an echo. Null with a complaint.
    /// </summary>
    public static DeviceKey? Read(out string? complaint)
    {
        var text = Environment.GetEnvironmentVariable(Variable);
        var from = Variable;
        if (string.IsNullOrEmpty(text))
        {
            text = Console.IsInputRedirected ? Console.In.ReadLine() : Ask();
            from = "standard input";
        }

        return Parse(text, from, out complaint);
    }

    internal static DeviceKey? Parse(string? text, string from, out string? complaint)
    {
        var key = DeviceKey.FromHex(text?.Trim());

        // Never the text itself: it may be a key with one character too many.
        complaint = (key, string.IsNullOrWhiteSpace(text)) switch
        {
            ({ }, _) => null,
            (null, true) => $"There is no device key: set {Variable}, or give it on standard input.",
            _ => $"The device key from {from} is not 64 hexadecimal digits in lower case.",
        };
        return key;
    }

    private static string Ask()
    {
        Console.Error.Write("Device key (not shown): ");
        var typed = new StringBuilder();
        while (typed.Length < MaxTyped)
        {
            var key = Console.ReadKey(intercept: true);
            if (key.Key == ConsoleKey.Enter)
            {
                break;
            }

            if (key.Key != ConsoleKey.Backspace)
            {
                typed.Append(key.KeyChar);
            }
            else if (typed.Length > 0)
            {
                typed.Length--;
            }
        }

        Console.Error.WriteLine();
        return typed.ToString();
    }
}
