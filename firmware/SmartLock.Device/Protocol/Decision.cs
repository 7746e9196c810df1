namespace SmartLock.Device
{
    /// <summary>What the device decided on one rightly signed command.</summary>
    public sealed class Decision
    {
        public Decision(string commandId, long issuedAt, Verdict verdict)
        {
            CommandId = commandId;
            IssuedAt = issuedAt;
            Verdict = verdict;
        }

        public string CommandId { get; }

        /// <summary>Unix milliseconds, of the command.</summary>
        public long IssuedAt { get; }

        public Verdict Verdict { get; }

        /// <summary>The bolt was asked to move; else the command was refused.</summary>
        public bool IsMovement
        {
            get { return Verdict == Verdict.Done || Verdict == Verdict.Jammed; }
        }
    }
}
