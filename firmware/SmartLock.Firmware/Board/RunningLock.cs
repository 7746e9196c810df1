using System.Device.Gpio;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>The lock with its pins, its network and its threads.</summary>
    internal sealed class RunningLock
    {
        public const string Version = "1.0.0";

        /// <summary>The connector does its own waiting: this is for the case that it throws instead.</summary>
        private const int ConnectMs = 100;

        private readonly ILog _log;

        public RunningLock(DeviceSettings settings, string root, ISystem system, ILog log)
        {
            _log = log;
            GpioController pins = new GpioController();

            // Before all else: opening the bolt's pin locks the door.
            BoltLine bolt = new BoltLine(pins, settings.BoltPin, log);
            InputLine button = new InputLine(pins, settings.ButtonPin, log);
            InputLine battery = new InputLine(pins, settings.BatteryPin, log);
            InputLine door = new InputLine(pins, settings.DoorPin, log);
            DeviceId = settings.DeviceId;
            Board = new LockBoard(
                new LockSettings { DeviceId = settings.DeviceId, Key = DeviceKey.FromHex(settings.Key), Firmware = Version },
                new BoardParts
                {
                    Clock = new BoardClock(),
                    Slots = new FileSlots(root, "commands"),
                    Bolt = bolt,
                    RedLight = new OutputLine(pins, settings.LockedLightPin, log),
                    GreenLight = new OutputLine(pins, settings.UnlockedLightPin, log),
                    Gauges = new BoardGauges(battery, door),
                    Button = button.IsWired ? button : null,
                    Network = new WifiNetwork(settings),
                    Links = new MqttLinkFactory(settings, root, log),
                    Pause = new ThreadPause(),
                    Chance = new BoardChance(),
                    System = system,
                    Log = log,
                });
        }

        public string DeviceId { get; }

        public LockBoard Board { get; }

        public void Start()
        {
            new Loop("ticks", Board.Tick, LockBoard.TickMs, _log).Start();
            new Loop("connection", Board.Connect, ConnectMs, _log).Start();
        }

        /// <summary>On the caller's thread, for ever.</summary>
        public void Supervise()
        {
            new Loop("supervisor", Board.Supervise, LockBoard.SuperviseMs, _log).Run();
        }
    }
}
