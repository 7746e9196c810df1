using SmartLock.Firmware.Shapes;

namespace System.Device.Gpio;

public class GpioPin
{
    private readonly Pins _pins;

    internal GpioPin(Pins pins, int number)
    {
        _pins = pins;
        PinNumber = number;
    }

    public int PinNumber { get; }

    public PinValue Read() => _pins.Trouble is { } trouble ? throw trouble : (PinValue)_pins.IsHigh(PinNumber);

    public void Write(PinValue value) => _pins.Drive(PinNumber, value == PinValue.High);
}
