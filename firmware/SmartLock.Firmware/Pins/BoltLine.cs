using System;
using System.Device.Gpio;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>
    /// What holds the bolt back, at a pin: high is unlocked, low is locked, and so is a pin that nobody drives, with the pull-down that
    /// the wiring asks for. Without a pin the bolt exists by its lights only.
    /// </summary>
    internal sealed class BoltLine : IBolt
    {
        private readonly GpioPin _pin;
        private readonly bool _isBroken;
        private bool _locked = true;

        /// <summary>Opening a pin as an output drives it low: the door is locked from here on.</summary>
        public BoltLine(GpioController pins, int number, ILog log)
        {
            if (number == DeviceSettings.NoPin)
            {
                return;
            }

            try
            {
                _pin = pins.OpenPin(number, PinMode.Output);
            }
            catch (Exception e)
            {
                _isBroken = true;
                log.Write("bolt at pin " + number.ToString() + ": " + e.Message);
            }
        }

        public BoltStatus Position
        {
            get
            {
                if (_isBroken)
                {
                    return BoltStatus.Unknown;
                }

                return _locked ? BoltStatus.Locked : BoltStatus.Unlocked;
            }
        }

        public bool Move(bool locked)
        {
            if (_isBroken)
            {
                return false;
            }

            if (_pin != null)
            {
                _pin.Write(locked ? PinValue.Low : PinValue.High);
            }

            _locked = locked;
            return true;
        }
    }
}
