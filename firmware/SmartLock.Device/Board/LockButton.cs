namespace SmartLock.Device
{
    /// <summary>One press, one event: contacts bounce, and a finger stays.</summary>
    public sealed class LockButton
    {
        /// <summary>Readings in a row that count as a press, or as the end of one.</summary>
        public const int Steady = 2;

        private readonly IInputLine _line;
        private int _same;
        private bool _last;
        private bool _pressed;

        /// <param name="line">Null where no button is wired.</param>
        public LockButton(IInputLine line)
        {
            _line = line;

            // One that is held, or shorted, at the start presses nothing.
            _last = line != null && line.IsActive;
            _pressed = _last;
        }

        /// <summary>To be called every 50 ms. True once for each press.</summary>
        public bool IsPressedNow()
        {
            if (_line == null)
            {
                return false;
            }

            bool active = _line.IsActive;
            _same = active == _last ? _same + 1 : 1;
            _last = active;
            if (_same < Steady || active == _pressed)
            {
                return false;
            }

            _pressed = active;
            return active;
        }
    }
}
