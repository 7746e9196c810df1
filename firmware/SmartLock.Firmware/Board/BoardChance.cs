using System;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>Not random enough for secrets: nanoFramework has no generator that they could come from.</summary>
    internal sealed class BoardChance : IChance
    {
        private readonly Random _random = new Random();

        public int Below(int bound)
        {
            return _random.Next(bound);
        }
    }
}
