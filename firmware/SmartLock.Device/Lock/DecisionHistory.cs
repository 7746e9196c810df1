namespace SmartLock.Device
{
    /// <summary>
    /// The last few decisions, for commands that QoS 1 delivers twice, and the one that heartbeats carry.
    /// </summary>
    internal sealed class DecisionHistory
    {
        private const int Capacity = 8;

        private readonly Decision[] _ring = new Decision[Capacity];
        private int _next;

        /// <summary>What heartbeats carry; null before the first decision.</summary>
        public Decision Last { get; private set; }

        public Decision Find(Command command)
        {
            for (int i = 0; i < Capacity; i++)
            {
                Decision decision = _ring[i];
                if (decision != null && decision.IssuedAt == command.IssuedAt && decision.CommandId == command.Id)
                {
                    return decision;
                }
            }

            return null;
        }

        /// <summary>The bolt was asked to move: always the last decision.</summary>
        public void AddMovement(Decision decision)
        {
            Remember(decision);
            Last = decision;
        }

        /// <summary>
        /// A refusal is the last decision only when its command is newer than that of the last one. So whoever sends an old command
        /// of ours again cannot push the verdict of a later one out of the heartbeats.
        /// </summary>
        public void AddRefusal(Decision decision)
        {
            if (Last != null && decision.IssuedAt <= Last.IssuedAt)
            {
                return;
            }

            Remember(decision);
            Last = decision;
        }

        private void Remember(Decision decision)
        {
            _ring[_next] = decision;
            _next = (_next + 1) % Capacity;
        }
    }
}
