using SmartLock.Firmware.Shapes;

namespace System.IO.Ports;

public sealed class SerialPort : IDisposable
{
    private readonly SerialLine _line = Bench.Current.Serial;

    public SerialPort(string portName, int baudRate = 9600, Parity parity = Parity.None, int dataBits = 8, StopBits stopBits = StopBits.One)
    {
        if (portName != "COM2" || !_line.Functions.ContainsKey("COM2_RX") || !_line.Functions.ContainsKey("COM2_TX"))
        {
            throw new ArgumentException("COM2 is the one that can be had, once it has its pins.", nameof(portName));
        }

        PortName = portName;
        BaudRate = baudRate;
        Parity = parity;
        DataBits = dataBits;
        StopBits = stopBits;
    }

    public string PortName { get; }

    public int BaudRate { get; set; }

    public Parity Parity { get; set; }

    public int DataBits { get; set; }

    public StopBits StopBits { get; set; }

    public int ReadTimeout { get; set; }

    public int WriteTimeout { get; set; }

    public bool IsOpen { get; private set; }

    public int BytesToRead => IsOpen ? _line.Waiting : throw new InvalidOperationException();

    public void Open() => IsOpen = true;

    public void Close() => IsOpen = false;

    public int Read(byte[] buffer, int offset, int count)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        var read = 0;
        while (read < count && _line.TryTake(out var value))
        {
            buffer[offset + read] = value;
            read++;
        }

        return read;
    }

    public void Write(byte[] buffer, int offset, int count) => _line.Say(buffer, offset, count);

    public void Dispose() => Close();
}
