using System;
using System.Device.Gpio;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>
    /// A contact from a pin to ground: closed is active. Or none, which never is. One whose pin cannot be read is told of once, reads as an
    /// open contact, as a cut wire does, and is tried again: a button that failed once must not be dead until the next restart.
    /// </summary>
    internal sealed class InputLine : IInputLine
    {
        private readonly ILog _log;
        private readonly int _number;
        private readonly GpioPin _pin;
        private bool _told;

        public InputLine(GpioController pins, int number, ILog log)
        {
            _log = log;
            _number = number;
            if (number == DeviceSettings.NoPin)
            {
                return;
            }

            try
            {
                _pin = pins.OpenPin(number, PinMode.InputPullUp);
            }
            catch (Exception e)
            {
                Tell(e);
            }
        }

        public bool IsWired
        {
            get { return _number != DeviceSettings.NoPin; }
        }

        public bool IsActive
        {
            get
            {
                if (_pin == null)
                {
                    return false;
                }

                try
                {
                    return _pin.Read() == PinValue.Low;
                }
                catch (Exception e)
                {
                    Tell(e);
                    return false;
                }
            }
        }

        private void Tell(Exception why)
        {
            if (_told)
            {
                return;
            }

            _told = true;
            _log.Write("contact at pin " + _number.ToString() + ": " + why.Message);
        }
    }
}
