using System;
using System.Device.Gpio;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>A light at a pin, high is lit; or none.</summary>
    internal sealed class OutputLine : IOutputLine
    {
        private readonly ILog _log;
        private readonly int _number;
        private GpioPin _pin;

        /// <summary>A pin that cannot drive a light is told of once: a lock without its light is still a lock.</summary>
        public OutputLine(GpioController pins, int number, ILog log)
        {
            _log = log;
            _number = number;
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
                GiveUp(e);
            }
        }

        public void Write(bool lit)
        {
            if (_pin == null)
            {
                return;
            }

            try
            {
                _pin.Write(lit ? PinValue.High : PinValue.Low);
            }
            catch (Exception e)
            {
                GiveUp(e);
            }
        }

        private void GiveUp(Exception why)
        {
            _pin = null;
            _log.Write("light at pin " + _number.ToString() + ": " + why.Message);
        }
    }
}
