using SmartLock.Firmware.Shapes;

namespace nanoFramework.Runtime.Native;

public class Power
{
    public static void RebootDevice(RebootOption rebootOption = RebootOption.NormalReboot) => Bench.Current.Rebooting();
}
