namespace System.IO.Ports;

public enum Parity
{
    None,
    Odd,
    Even,
}
