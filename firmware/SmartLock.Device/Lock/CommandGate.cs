namespace SmartLock.Device
{
    /// <summary>Why a message moved nothing.</summary>
    public enum Refusal
    {
        None,
        Retained,
        ForeignTopic,
        Malformed,
        OtherDevice,
        BadSignature,
        Repeated,
        OtherBoot,
        ClockNotSet,
        Expired,
        NotYetValid,
        Replayed,
        UnknownCommand,
        StorageFailed,
    }

    /// <summary>The checks of a rightly signed command: pure, in the protocol's order.</summary>
    public static class CommandGate
    {
        /// <summary>
        /// How far issued_at may lie ahead of the device's clock. Further, and a command misdated by the server would, once
        /// accepted, shut out every rightly dated one until that time comes.
        /// </summary>
        public const long MaxAheadMs = 30000;

        /// <summary>Longest validity, so that no command can be kept back and fire minutes later, whoever signed it.</summary>
        public const long MaxValidityMs = 60000;

        /// <param name="command">Signed with the device's key.</param>
        /// <param name="boot">Of this start of the device. A command for another one is refused whatever the clock says.</param>
        /// <param name="unixMs">Now; 0 while the clock is not set, or not trusted because it was set back.</param>
        /// <param name="isSeen">A command with the same issued_at, or a greater one, was seen before.</param>
        public static Refusal Check(Command command, string boot, long unixMs, bool isSeen)
        {
            if (command.Boot != boot)
            {
                return Refusal.OtherBoot;
            }

            if (unixMs <= 0)
            {
                return Refusal.ClockNotSet;
            }

            long validity = command.ExpiresAt - command.IssuedAt;
            if (command.ExpiresAt <= unixMs || validity <= 0 || validity > MaxValidityMs)
            {
                return Refusal.Expired;
            }

            if (command.IssuedAt - unixMs > MaxAheadMs)
            {
                return Refusal.NotYetValid;
            }

            if (isSeen)
            {
                return Refusal.Replayed;
            }

            return command.Name == Command.Lock || command.Name == Command.Unlock ? Refusal.None : Refusal.UnknownCommand;
        }

        /// <summary>
        /// What the server is told. None for everything that is not rightly signed (nobody but the server gets an answer) and where
        /// the issue says it. A command from the future is told as expired, since it is outside of its validity by the device's clock; and so is one
        /// for another start, since a command is valid for one start only.
        /// </summary>
        public static Verdict VerdictOf(Refusal refusal)
        {
            switch (refusal)
            {
                case Refusal.OtherBoot:
                case Refusal.Expired:
                case Refusal.NotYetValid:
                    return Verdict.Expired;
                case Refusal.Replayed:
                    return Verdict.Replayed;
                case Refusal.UnknownCommand:
                    return Verdict.UnknownCommand;
                default:
                    return Verdict.None;
            }
        }

        /// <summary>Somebody wanted this lock to do something; else it was traffic that is not for it, or the network's own doing.</summary>
        public static bool IsAttempt(Refusal refusal)
        {
            return refusal != Refusal.None && refusal != Refusal.Retained && refusal != Refusal.ForeignTopic
                && refusal != Refusal.OtherDevice && refusal != Refusal.Repeated;
        }

        public static string Describe(Refusal refusal)
        {
            switch (refusal)
            {
                case Refusal.Retained:
                    return "retained";
                case Refusal.ForeignTopic:
                    return "on a topic that is not ours";
                case Refusal.Malformed:
                    return "malformed";
                case Refusal.OtherDevice:
                    return "for another device";
                case Refusal.BadSignature:
                    return "wrong signature";
                case Refusal.Repeated:
                    return "delivered again";
                case Refusal.OtherBoot:
                    return "for another start";
                case Refusal.ClockNotSet:
                    return "clock not set";
                case Refusal.Expired:
                    return "expired";
                case Refusal.NotYetValid:
                    return "dated in the future";
                case Refusal.Replayed:
                    return "replayed";
                case Refusal.UnknownCommand:
                    return "unknown command";
                case Refusal.StorageFailed:
                    return "flash could not be written";
                default:
                    return "none";
            }
        }
    }
}
