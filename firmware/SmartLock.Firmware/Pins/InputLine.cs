using System;
using System.Device.Gpio;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>A contact from a pin to ground: closed is active. Or none, which never is.</summary>
    internal sealed class InputLine : IInputLine
    {
        private readonly ILog _log;
        private readonly int _number;
        private GpioPin _pin;

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
                GiveUp(e);
            }
        }

        public bool IsWired
        {
            get { return _pin != null; }
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
                    GiveUp(e);
                    return false;
                }
            }
        }

        private void GiveUp(Exception why)
        {
            _pin = null;
            _log.Write("contact at pin " + _number.ToString() + ": " + why.Message);
        }
    }
}
