using System;
using System.Threading;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>
    /// Does one thing again and again. nanoFramework ends a thread in silence when an exception leaves it: none leaves this one, not even
    /// when memory ends. A thing that throws every time gets nothing done, which the supervisor notices; nor does one that did not start.
    /// </summary>
    internal sealed class Loop
    {
        /// <summary>So that what fails every time does not fill the log's line with it.</summary>
        private const int FailedMs = 1000;

        private readonly string _name;
        private readonly ThreadStart _once;
        private readonly int _pauseMs;
        private readonly ILog _log;
        private readonly AutoResetEvent _never = new AutoResetEvent(false);
        private int _untold;

        public Loop(string name, ThreadStart once, int pauseMs, ILog log)
        {
            _name = name;
            _once = once;
            _pauseMs = pauseMs;
            _log = log;
        }

        public void Start()
        {
            try
            {
                new Thread(Run).Start();
            }
            catch (Exception e)
            {
                Tell(e);
            }
        }

        /// <summary>Does not return.</summary>
        public void Run()
        {
            while (true)
            {
                int pause = _pauseMs;
                try
                {
                    _once();
                }
                catch (Exception e)
                {
                    pause = FailedMs;
                    Tell(e);
                }

                _never.WaitOne(pause, false);
            }
        }

        private void Tell(Exception failure)
        {
            try
            {
                string more = _untold == 0 ? "" : ", after " + _untold.ToString() + " untold";
                _log.Write(_name + ": " + failure.Message + more);
                _untold = 0;
            }
            catch (Exception)
            {
                // To put the line together takes memory, and that may be what is missing.
                _untold++;
            }
        }
    }
}
