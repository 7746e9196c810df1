namespace SmartLock.Device
{
    internal enum LineFault
    {
        None,
        TooLong,
        NotAscii,
        Cancelled,
    }

    /// <summary>
    /// Puts bytes together to lines of printable ASCII, with backspace and Ctrl-C, and echoes what may be shown. A line ends with CR, LF
    /// or CR LF. Holds one line and no more.
    /// </summary>
    internal sealed class LineEditor
    {
        public const int MaxLength = 200;

        /// <summary>For one that starts with a brace, and where JSON is asked for.</summary>
        public const int MaxJsonLength = FlatJsonReader.MaxBytes;

        private const int CtrlC = 3;
        private const int Backspace = 8;
        private const int LineFeed = 10;
        private const int CarriageReturn = 13;
        private const int Delete = 127;

        private readonly ITerminal _terminal;
        private readonly char[] _line = new char[MaxJsonLength];
        private int _length;
        private LineFault _fault;
        private bool _afterCarriageReturn;

        public LineEditor(ITerminal terminal)
        {
            _terminal = terminal;
        }

        /// <summary>Nothing of the line is echoed.</summary>
        public bool IsHidden { get; set; }

        /// <summary>The line may be as long as JSON.</summary>
        public bool IsJson { get; set; }

        /// <summary>True when a line has ended: <see cref="TakeLine"/> must be called then.</summary>
        public bool Take(byte value)
        {
            bool secondHalf = value == LineFeed && _afterCarriageReturn;
            _afterCarriageReturn = value == CarriageReturn;
            if (secondHalf)
            {
                return false;
            }

            if (value == CarriageReturn || value == LineFeed)
            {
                return End();
            }

            if (value == CtrlC)
            {
                _fault = LineFault.Cancelled;
                return End();
            }

            if (_fault != LineFault.None)
            {
                return false;
            }

            if (value == Backspace || value == Delete)
            {
                TakeBack();
            }
            else if (value < 0x20 || value > 0x7E)
            {
                _fault = LineFault.NotAscii;
            }
            else
            {
                Append((char)value);
            }

            return false;
        }

        /// <summary>The line without its end, empty when something is wrong with it. May be a secret: nothing of it is kept.</summary>
        public string TakeLine(out LineFault fault)
        {
            string line = _fault == LineFault.None ? new string(_line, 0, _length) : "";
            fault = _fault;
            for (int i = 0; i < _line.Length; i++)
            {
                _line[i] = ' ';
            }

            _length = 0;
            _fault = LineFault.None;
            return line;
        }

        private bool End()
        {
            _terminal.Write(SetupConsole.NewLine);
            return true;
        }

        private void Append(char c)
        {
            bool json = IsJson || (_length > 0 && _line[0] == '{');
            if (_length == (json ? MaxJsonLength : MaxLength))
            {
                _fault = LineFault.TooLong;
                return;
            }

            _line[_length++] = c;
            if (IsLastShown())
            {
                _terminal.Write(new string(_line, _length - 1, 1));
            }
        }

        private void TakeBack()
        {
            if (_length == 0)
            {
                return;
            }

            if (IsLastShown())
            {
                _terminal.Write("\b \b");
            }

            _length--;
        }

        private bool IsLastShown()
        {
            return !IsHidden && EchoRule.Visible(_line, _length) == _length;
        }
    }
}
