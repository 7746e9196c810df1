using System;
using System.IO.Ports;
using System.Text;
using nanoFramework.Hardware.Esp32;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>
    /// The set-up's terminal: the second serial port, 115200 8N1. The first one belongs to the runtime's own protocol, and only prints.
    /// </summary>
    internal sealed class SetupPort : ITerminal
    {
        private const int BaudRate = 115200;
        private const int WriteTimeoutMs = 1000;
        private const int LookMs = 20;

        private readonly byte[] _taken = new byte[64];
        private readonly SerialPort _port;
        private readonly ILog _log;
        private SetupConsole _console;

        private SetupPort(ILog log)
        {
            _log = log;
            Configuration.SetPinFunction(DeviceSettings.SetupReceivePin, DeviceFunction.COM2_RX);
            Configuration.SetPinFunction(DeviceSettings.SetupTransmitPin, DeviceFunction.COM2_TX);
            _port = new SerialPort("COM2", BaudRate, Parity.None, 8, StopBits.One);
            _port.WriteTimeout = WriteTimeoutMs;
            _port.Open();
        }

        /// <summary>On a thread of its own. A board whose port cannot be had works all the same.</summary>
        public static void Start(SettingsStore store, ISystem system, IStatusSource status, ILog log)
        {
            try
            {
                SetupPort port = new SetupPort(log);
                port._console = new SetupConsole(port, store, system, status);
                port._console.Start();
                new Loop("set-up port", port.Listen, LookMs, log).Start();
            }
            catch (Exception e)
            {
                log.Write("set-up port: " + e.Message);
            }
        }

        public void Write(string text)
        {
            try
            {
                byte[] bytes = Encoding.UTF8.GetBytes(text);
                _port.Write(bytes, 0, bytes.Length);
            }
            catch (Exception e)
            {
                _log.Write("set-up port: " + e.Message);
            }
        }

        private void Listen()
        {
            // Only what is there: a read that waits for more would end in a time-out.
            int waiting = _port.BytesToRead;
            int length = waiting < _taken.Length ? waiting : _taken.Length;
            int read = length == 0 ? 0 : _port.Read(_taken, 0, length);
            for (int i = 0; i < read; i++)
            {
                _console.Take(_taken[i]);
            }
        }
    }
}
