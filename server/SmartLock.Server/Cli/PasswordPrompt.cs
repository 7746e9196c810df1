using System.Text;

namespace SmartLock.Server.Cli;

/// <summary>Reads a password: twice and without echo from a terminal, else one line of standard input.</summary>
internal static class PasswordPrompt
{
    /// <summary>Null when none was given, or Ctrl-C was pressed.</summary>
    public static string? Read()
    {
        if (Console.IsInputRedirected)
        {
            return Console.In.ReadLine();
        }

        while (true)
        {
            var first = Ask("Password: ");
            var again = first is null ? null : Ask("Again: ");
            if (again is null || again == first)
            {
                return again;
            }

            Console.Error.WriteLine("They differ.");
        }
    }

    /// <summary>On a terminal. Null when Ctrl-C was pressed.</summary>
    public static string? Ask(string question)
    {
        Console.Error.Write(question);
        // Else Ctrl-C would wait for a read that only another key ends.
        Console.TreatControlCAsInput = true;
        try
        {
            return ReadUnseen();
        }
        finally
        {
            Console.TreatControlCAsInput = false;
            Console.Error.WriteLine();
        }
    }

    private static string? ReadUnseen()
    {
        var typed = new StringBuilder();
        while (true)
        {
            var key = Console.ReadKey(intercept: true);
            switch (key)
            {
                case { Key: ConsoleKey.Enter }:
                    return typed.ToString();
                case { Key: ConsoleKey.C, Modifiers: ConsoleModifiers.Control }:
                    return null;
                case { Key: ConsoleKey.Backspace }:
                    typed.Length = Math.Max(0, typed.Length - 1);
                    break;
                case { KeyChar: >= ' ' }:
                    typed.Append(key.KeyChar);
                    break;
            }
        }
    }
}
