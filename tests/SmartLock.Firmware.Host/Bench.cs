namespace SmartLock.Firmware.Host
{
    /// <summary>Switches the board on: its flash is the folder that is named.</summary>
    internal static class Bench
    {
        public static void Main(string[] arguments)
        {
            Shapes.BenchLines.Attach();
            Program.Run(arguments[0]);
        }
    }
}
