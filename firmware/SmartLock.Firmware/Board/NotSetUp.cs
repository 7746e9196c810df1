using System;
using System.Device.Gpio;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>A board without settings: no bolt moves, and the lights say why, at the pins that they have by default.</summary>
    internal sealed class NotSetUp
    {
        private const int ShowMs = 100;

        private readonly SignalLights _lights;
        private readonly ILog _log;

        public NotSetUp(ILog log)
        {
            _log = log;
            GpioController pins = new GpioController();
            DeviceSettings standard = new DeviceSettings();
            _lights = new SignalLights(
                new OutputLine(pins, standard.LockedLightPin, log), new OutputLine(pins, standard.UnlockedLightPin, log));
        }

        /// <summary>On the caller's thread, for ever.</summary>
        public void Blink()
        {
            new Loop("lights", Show, ShowMs, _log).Run();
        }

        private void Show()
        {
            _lights.Show(Signal.NotSetUp, Environment.TickCount64);
        }
    }
}
