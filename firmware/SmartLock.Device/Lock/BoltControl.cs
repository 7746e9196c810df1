using System;

namespace SmartLock.Device
{
    /// <summary>The bolt and its two lights.</summary>
    internal sealed class BoltControl
    {
        private readonly IBolt _bolt;
        private readonly IOutputLine _lockedLight;
        private readonly IOutputLine _unlockedLight;

        public BoltControl(LockParts parts)
        {
            _bolt = parts.Bolt;
            _lockedLight = parts.LockedLight;
            _unlockedLight = parts.UnlockedLight;
        }

        /// <summary>From a movement that failed until one succeeds.</summary>
        public bool IsJammed { get; private set; }

        public BoltStatus Status { get; private set; }

        public bool Move(bool locked)
        {
            bool moved;
            try
            {
                moved = _bolt.Move(locked);
            }
            catch (Exception)
            {
                moved = false;
            }

            IsJammed = !moved;
            Refresh();
            return moved;
        }

        /// <summary>
        /// Follows the sensor (someone may have turned the bolt by hand) and sets the lights: neither is on while nobody knows.
        /// </summary>
        public void Refresh()
        {
            Status = IsJammed ? BoltStatus.Unknown : ReadPosition();
            _lockedLight.Write(Status == BoltStatus.Locked);
            _unlockedLight.Write(Status == BoltStatus.Unlocked);
        }

        private BoltStatus ReadPosition()
        {
            try
            {
                return _bolt.Position;
            }
            catch (Exception)
            {
                return BoltStatus.Unknown;
            }
        }
    }
}
