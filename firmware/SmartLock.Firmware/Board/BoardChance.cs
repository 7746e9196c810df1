using System;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    internal sealed class BoardChance : IChance
    {
        private readonly Random _random = new Random();

        public int Below(int bound)
        {
            return _random.Next(bound);
        }
    }
}
