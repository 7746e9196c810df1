using SmartLock.Firmware.Shapes;

namespace nanoFramework.Hardware.Esp32;

public class Configuration
{
    public static void SetPinFunction(int pin, DeviceFunction function) =>
        Bench.Current.Serial.Functions[Enum.GetName(function)!] = pin;
}
