namespace SmartLock.Device
{
    /// <summary>
    /// Set-up over a serial terminal: fed byte by byte, never throws, holds one line of input. It asks for no password, since whoever
    /// is at the serial port can write the whole flash anew; so it must be reachable over that port only. Secrets go in and never come
    /// out. For one thread.
    /// </summary>
    public sealed class SetupConsole
    {
        internal const string NewLine = "\r\n";

        private readonly ITerminal _terminal;
        private readonly LineEditor _editor;
        private readonly SetupCommands _commands;

        private SetupQuestion _asked;

        /// <summary>Starts from what is stored.</summary>
        public SetupConsole(ITerminal terminal, SettingsStore store, ISystem system, IStatusSource status)
        {
            _terminal = terminal;
            _editor = new LineEditor(terminal);
            _commands = new SetupCommands(terminal, store, system, status);
        }

        /// <summary>Says that it is there.</summary>
        public void Start()
        {
            _terminal.Write("SmartLock set-up. 'help' lists the commands." + NewLine);
            Ask(SetupQuestion.Command);
        }

        public void Take(byte value)
        {
            if (!_editor.Take(value))
            {
                return;
            }

            string line = _editor.TakeLine(out LineFault fault);
            if (fault == LineFault.None)
            {
                Ask(_commands.Answer(_asked, line));
                return;
            }

            _terminal.Write(Describe(fault) + NewLine);
            Ask(SetupQuestion.Command);
        }

        private static string Describe(LineFault fault)
        {
            switch (fault)
            {
                case LineFault.TooLong:
                    return "too long, nothing done: a line has at most 200 characters, JSON 1024";
                case LineFault.NotAscii:
                    return "nothing done: a line can only hold printable ASCII and backspaces";
                default:
                    return "cancelled";
            }
        }

        private void Ask(SetupQuestion question)
        {
            _asked = question;
            _editor.IsHidden = question == SetupQuestion.Secret || question == SetupQuestion.Json;
            _editor.IsJson = question == SetupQuestion.Json;
            _terminal.Write(_commands.Prompt(question));
        }
    }
}
