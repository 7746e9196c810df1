using SmartLock.Firmware.Shapes;

namespace System.Device.Gpio;

public class GpioController
{
    private readonly Pins _pins = Bench.Current.Pins;

    public GpioPin OpenPin(int pinNumber, PinMode mode)
    {
        _pins.Open(pinNumber, mode);
        return new GpioPin(_pins, pinNumber);
    }
}
