namespace SmartLock.Device
{
    /// <summary>What a board is switched on with: everything around the brain that a person wires or a network brings.</summary>
    public interface INetwork
    {
        /// <summary>Associated, with an address. Never throws.</summary>
        bool IsUp { get; }

        /// <summary>Returns once it is up, or has not come up in this time. What it throws counts as false.</summary>
        bool Connect(int timeoutMs);
    }

    /// <summary>Makes a new link for each connection: none is ever opened twice.</summary>
    public interface ILinkFactory
    {
        /// <summary>No network traffic yet.</summary>
        ILink Create();
    }

    /// <summary>One MQTT connection, from its opening to its end.</summary>
    public interface ILink
    {
        /// <summary>False before <see cref="Open"/> and from the loss on. Never throws.</summary>
        bool IsOpen { get; }

        /// <summary>
        /// Connects with the session's name, login and will (QoS 1, not retained) and a clean session, and subscribes to its topics at
        /// QoS 1; returns when the broker has granted that. What it throws is the reason why not. The listener is called on the
        /// link's own threads, before this returns too, and never after <see cref="Close"/> has returned.
        /// </summary>
        void Open(Session session, ILinkListener listener);

        /// <summary>
        /// At QoS 1, not retained. Queues without waiting; false when there is no connection, or the client has no room. Of each that
        /// it took the listener hears once. How many may be on their way is the caller's business. Never throws.
        /// </summary>
        bool Publish(string topic, byte[] payload);

        /// <summary>Gives everything back, whatever state it is in. Never throws.</summary>
        void Close();
    }

    /// <summary>None of these throws or waits.</summary>
    public interface ILinkListener
    {
        void OnMessage(string topic, byte[] payload, bool retained);

        /// <summary>The broker has one more of the published messages.</summary>
        void OnAcknowledged();

        /// <summary>The link waits no longer for the acknowledgement of one of the published messages. Nobody knows whether it arrived.</summary>
        void OnGivenUp();

        void OnClosed();
    }

    /// <summary>A button or a contact. Never throws.</summary>
    public interface IInputLine
    {
        bool IsActive { get; }
    }

    /// <summary>Lets one thread wait and others wake it.</summary>
    public interface IPause
    {
        /// <summary>Returns after this time, or sooner when woken since the last wait.</summary>
        void Wait(int milliseconds);

        void Wake();
    }

    public interface ISystem
    {
        /// <summary>Does not return on a board. The bolt's line falls back to locked.</summary>
        void Reboot();
    }

    /// <summary>Chance for spreading waits, and a part of what tells one start from another: no secret comes from it. Never throws.</summary>
    public interface IChance
    {
        /// <summary>From 0 to one less than the bound.</summary>
        int Below(int bound);
    }
}
