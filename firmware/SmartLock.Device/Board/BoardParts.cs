namespace SmartLock.Device
{
    /// <summary>What a board is put together with. All are needed but <see cref="Button"/>.</summary>
    public sealed class BoardParts
    {
        public IClock Clock { get; set; }

        /// <summary>For what must outlive a restart: see <see cref="FlashRecord"/>. The settings have slots of their own.</summary>
        public ISlotStore Slots { get; set; }

        public IBolt Bolt { get; set; }

        public IOutputLine RedLight { get; set; }

        public IOutputLine GreenLight { get; set; }

        public IGauges Gauges { get; set; }

        /// <summary>Null where none is wired.</summary>
        public IInputLine Button { get; set; }

        public INetwork Network { get; set; }

        public ILinkFactory Links { get; set; }

        /// <summary>Of the connector's thread.</summary>
        public IPause Pause { get; set; }

        public IChance Chance { get; set; }

        public ISystem System { get; set; }

        public ILog Log { get; set; }
    }
}
