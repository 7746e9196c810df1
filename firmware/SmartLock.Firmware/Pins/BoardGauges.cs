using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>What the board can tell of itself by two contacts. Nothing here measures a voltage or a field strength.</summary>
    internal sealed class BoardGauges : IGauges
    {
        private readonly InputLine _battery;
        private readonly InputLine _door;

        public BoardGauges(InputLine battery, InputLine door)
        {
            _battery = battery;
            _door = door;
        }

        public int Rssi
        {
            get { return 0; }
        }

        public int BatteryMillivolts
        {
            get { return 0; }
        }

        public bool IsBatteryLow
        {
            get { return _battery.IsActive; }
        }

        public bool IsDoorOpen
        {
            get { return _door.IsWired && !_door.IsActive; }
        }
    }
}
