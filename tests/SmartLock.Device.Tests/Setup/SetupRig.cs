using System.Text;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Setup;

/// <summary>A person at the serial port: types, and sees what a terminal would show.</summary>
internal sealed class SetupRig : ITerminal, ISystem, IStatusSource
{
    private readonly StringBuilder _output = new();

    public SetupRig()
    {
        Console = new SetupConsole(this, new SettingsStore(Flash), this, this);
        Console.Start();
        Clear();
    }

    public FakeFlash Flash { get; } = new();

    public SetupConsole Console { get; private set; }

    public int Reboots { get; private set; }

    public string? Status { get; set; } = "up 5 s\nbroker connected";

    public string Output => _output.ToString();

    /// <summary>The output with backspaces carried out.</summary>
    public string Screen
    {
        get
        {
            var screen = new List<char>();
            foreach (var c in Output)
            {
                if (c == '\b')
                {
                    screen.RemoveAt(screen.Count - 1);
                }
                else
                {
                    screen.Add(c);
                }
            }

            return new string([.. screen]).TrimEnd(' ');
        }
    }

    public DeviceSettings? Stored => new SettingsStore(Flash).Load();

    public void Write(string text) => _output.Append(text);

    public void Reboot() => Reboots++;

    public string? Describe() => Status;

    public void Clear() => _output.Clear();

    public void Press(params ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            Console.Take(b);
        }
    }

    /// <summary>Types lines, each with Enter. Returns the lines that were shown from then on, without prompts.</summary>
    public string Type(params string[] lines)
    {
        Clear();
        foreach (var line in lines)
        {
            Press([.. line.Bytes(), (byte)'\r']);
        }

        return Output;
    }

    /// <summary>The power goes and comes back: the console knows what is stored, and no more.</summary>
    public void Restart()
    {
        Flash.PowerGone = false;
        Console = new SetupConsole(this, new SettingsStore(Flash), this, this);
    }
}
