using System;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>The ESP32: a lock once it has settings, a set-up port before.</summary>
    public static class Program
    {
        /// <summary>The partition that the chip keeps for files.</summary>
        private const string Flash = "I:\\";

        public static void Main()
        {
            Run(Flash);
        }

        /// <summary>Does not return: on the board an end of the main thread would end in nothing.</summary>
        /// <param name="root">Of the flash, with the separator at its end.</param>
        internal static void Run(string root)
        {
            ConsoleLog log = new ConsoleLog();
            BoardSystem system = new BoardSystem();
            SettingsStore store = new SettingsStore(new FileSlots(root, "settings"));
            ProvisioningDrop.Take(root, store, log);
            RunningLock running = StartLock(root, store, system, log);
            SetupPort.Start(store, system, new BoardStatus(running), log);
            if (running == null)
            {
                new NotSetUp(log).Blink();
            }
            else
            {
                running.Supervise();
            }
        }

        /// <summary>Null without settings, or when nothing can be made of them: then a person must come to the set-up port.</summary>
        private static RunningLock StartLock(string root, SettingsStore store, ISystem system, ILog log)
        {
            try
            {
                DeviceSettings settings = store.Load();
                if (settings == null)
                {
                    log.Write("not set up");
                    return null;
                }

                RunningLock running = new RunningLock(settings, root, system, log);
                running.Start();
                return running;
            }
            catch (Exception e)
            {
                log.Write("does not start: " + e.Message);
                return null;
            }
        }
    }
}
