namespace SmartLock.Device
{
    /// <summary>What the brain is put together with. All are needed but <see cref="Decisions"/>.</summary>
    public sealed class LockParts
    {
        public IClock Clock { get; set; }

        public ISlotStore Slots { get; set; }

        public IBolt Bolt { get; set; }

        /// <summary>The red light.</summary>
        public IOutputLine LockedLight { get; set; }

        /// <summary>The green light.</summary>
        public IOutputLine UnlockedLight { get; set; }

        public IGauges Gauges { get; set; }

        public IOutbox Outbox { get; set; }

        public IChance Chance { get; set; }

        public ILog Log { get; set; }

        public IDecisionListener Decisions { get; set; }
    }
}
