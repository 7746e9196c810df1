using System;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>Spreads waits and nothing else: nanoFramework has no generator that secrets could come from.</summary>
    internal sealed class BoardChance : IChance
    {
        private readonly Random _random = new Random();

        public int Below(int bound)
        {
            return _random.Next(bound);
        }
    }
}
