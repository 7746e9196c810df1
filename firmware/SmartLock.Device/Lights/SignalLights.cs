namespace SmartLock.Device
{
    /// <summary>
    /// The red and the green light. Steady, they show the bolt: red locked, green unlocked, neither while nobody knows. Trouble makes
    /// the light that is on go dark in groups of one to three (or, with neither on, makes both flash so); a refused command makes
    /// both flicker for two seconds; a board that is not set up shows red and green in turn.
    /// </summary>
    public sealed class SignalLights
    {
        public const int BlinkMs = 400;
        public const int GroupMs = 3200;
        public const int RefusedMs = 2000;
        public const int TurnMs = 800;

        private const int StepMs = BlinkMs / 2;

        private readonly IOutputLine _red;
        private readonly IOutputLine _green;
        private readonly Wish _locked = new Wish();
        private readonly Wish _unlocked = new Wish();
        private long _refusedUntil;

        public SignalLights(IOutputLine red, IOutputLine green)
        {
            _red = red;
            _green = green;
        }

        /// <summary>For the brain: shown at the next <see cref="Show"/>.</summary>
        public IOutputLine Locked
        {
            get { return _locked; }
        }

        /// <summary>For the brain: shown at the next <see cref="Show"/>.</summary>
        public IOutputLine Unlocked
        {
            get { return _unlocked; }
        }

        public void CommandRefused(long uptimeMs)
        {
            _refusedUntil = uptimeMs + RefusedMs;
        }

        /// <summary>To be called several times in 200 ms, the shortest that a light is on or off; from one thread.</summary>
        public void Show(Signal signal, long uptimeMs)
        {
            bool red = _locked.Lit;
            bool green = _unlocked.Lit;
            if (uptimeMs < _refusedUntil)
            {
                red = (uptimeMs / StepMs) % 2 == 0;
                green = red;
            }
            else if (signal == Signal.NotSetUp)
            {
                red = uptimeMs % TurnMs < TurnMs / 2;
                green = !red;
            }
            else if (IsBlink((int)signal, uptimeMs))
            {
                bool neither = !red && !green;
                red = neither;
                green = neither;
            }

            _red.Write(red);
            _green.Write(green);
        }

        private static bool IsBlink(int times, long uptimeMs)
        {
            long at = uptimeMs % GroupMs;
            return at < times * BlinkMs && at % BlinkMs < StepMs;
        }

        private sealed class Wish : IOutputLine
        {
            public bool Lit { get; private set; }

            public void Write(bool lit)
            {
                Lit = lit;
            }
        }
    }
}
