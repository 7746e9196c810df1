namespace SmartLock.Device
{
    /// <summary>The writing half of a serial port. Never throws.</summary>
    public interface ITerminal
    {
        void Write(string text);
    }

    /// <summary>What the set-up's "status" answers. Never throws, and never tells a secret.</summary>
    public interface IStatusSource
    {
        /// <summary>A few lines, with \n between them.</summary>
        string Describe();
    }
}
