namespace SmartLock.Device
{
    public interface IClock
    {
        /// <summary>0 while the clock is not set.</summary>
        long UnixMs { get; }

        /// <summary>Since start; never goes back, never stands.</summary>
        long UptimeMs { get; }
    }

    /// <summary>
    /// Two small records in flash, written in turn, so that a power cut during a write leaves the other whole. What an
    /// implementation throws counts as a failure of that call.
    /// </summary>
    public interface ISlotStore
    {
        /// <summary>Null or empty when the slot (0 or 1) was never written.</summary>
        byte[] Read(int slot);

        /// <summary>True only once the record has reached the flash.</summary>
        bool Write(int slot, byte[] record);
    }

    public interface IBolt
    {
        /// <summary>Where the bolt is by its sensor, or where it was last moved to.</summary>
        BoltStatus Position { get; }

        /// <summary>False when the bolt did not get there; what it throws counts as that too.</summary>
        bool Move(bool locked);
    }

    /// <summary>A light. Never throws.</summary>
    public interface IOutputLine
    {
        void Write(bool lit);
    }

    /// <summary>Never throws.</summary>
    public interface IGauges
    {
        /// <summary>dBm; 0 when unknown.</summary>
        int Rssi { get; }

        /// <summary>0 on mains, or where nothing measures it.</summary>
        int BatteryMillivolts { get; }

        /// <summary>What a charger's or supervisor's own low-battery line says; false where there is none.</summary>
        bool IsBatteryLow { get; }

        /// <summary>By the door contact; false where there is none.</summary>
        bool IsDoorOpen { get; }
    }

    /// <summary>Where the brain's messages go: to be published at QoS 1, not retained.</summary>
    public interface IOutbox
    {
        /// <summary>
        /// Queues without waiting and without calling back into the brain, which holds its lock. False when there is no room or no
        /// connection: the brain then says it again later. Never throws.
        /// </summary>
        bool Send(string topic, byte[] payload);
    }

    /// <summary>Hears of every decision before it is reported, with the brain's lock held. Never throws.</summary>
    public interface IDecisionListener
    {
        void Decided(Decision decision);
    }

    /// <summary>Lines for a person at the serial port. Never throws.</summary>
    public interface ILog
    {
        void Write(string line);
    }
}
