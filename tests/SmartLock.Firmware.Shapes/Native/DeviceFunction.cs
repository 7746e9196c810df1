namespace nanoFramework.Hardware.Esp32;

/// <summary>Those of the second serial port.</summary>
public enum DeviceFunction
{
    COM2_TX,
    COM2_RX,
}
