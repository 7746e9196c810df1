using System;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>Lines at the debug port. Who writes them sees to it that no secret is in them.</summary>
    internal sealed class ConsoleLog : ILog
    {
        private const int MaxLength = 200;

        public void Write(string line)
        {
            Console.WriteLine(line.Length > MaxLength ? line.Substring(0, MaxLength) : line);
        }
    }
}
