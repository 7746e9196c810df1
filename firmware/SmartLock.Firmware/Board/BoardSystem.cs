using nanoFramework.Runtime.Native;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    internal sealed class BoardSystem : ISystem
    {
        public void Reboot()
        {
            Power.RebootDevice(RebootOption.NormalReboot);
        }
    }
}
