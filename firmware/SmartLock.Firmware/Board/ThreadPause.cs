using System.Threading;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    internal sealed class ThreadPause : IPause
    {
        private readonly AutoResetEvent _woken = new AutoResetEvent(false);

        public void Wait(int milliseconds)
        {
            _woken.WaitOne(milliseconds, false);
        }

        public void Wake()
        {
            _woken.Set();
        }
    }
}
