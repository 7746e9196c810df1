using System;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>For a person at the set-up port.</summary>
    internal sealed class BoardStatus : IStatusSource
    {
        private readonly RunningLock _lock;

        /// <param name="running">Null when the board is not set up.</param>
        public BoardStatus(RunningLock running)
        {
            _lock = running;
        }

        public string Describe()
        {
            string uptime = "up for " + (Environment.TickCount64 / 1000).ToString() + " s";
            if (_lock == null)
            {
                return "firmware " + RunningLock.Version + ", not set up, " + uptime;
            }

            LockBrain brain = _lock.Board.Brain;
            return "firmware " + RunningLock.Version + ", " + _lock.DeviceId + ", " + uptime
                + "\nbolt: " + Words(brain.Status)
                + "\nconnection: " + Words(_lock.Board.Signal)
                + "\nrefused commands: " + brain.RefusedCommands.ToString();
        }

        private static string Words(BoltStatus status)
        {
            switch (status)
            {
                case BoltStatus.Locked:
                    return "locked";
                case BoltStatus.Unlocked:
                    return "unlocked";
                default:
                    return "unknown";
            }
        }

        private static string Words(Signal signal)
        {
            switch (signal)
            {
                case Signal.NoNetwork:
                    return "no network";
                case Signal.NoBroker:
                    return "no broker";
                case Signal.ClockNotSet:
                    return "broker connected, clock not set";
                default:
                    return "broker connected";
            }
        }
    }
}
