namespace SmartLock.Device
{
    public enum BoltStatus
    {
        Unknown,
        Locked,
        Unlocked,
    }

    /// <summary>
    /// How a command ended. The protocol's bad_signature is not among them: a device that answered it would let anyone who can
    /// reach the topic put words into its reports. The numbers are stored in flash.
    /// </summary>
    public enum Verdict
    {
        None = 0,
        Done = 1,
        Jammed = 2,
        Expired = 3,
        Replayed = 4,
        UnknownCommand = 5,
    }

    /// <summary>The protocol's words. Enum.ToString gives a number on nanoFramework.</summary>
    public static class Words
    {
        public const string ClockNotSet = "Clock not set";
        public const string JammedBolt = "Jammed";
        public const string LowBattery = "Low battery";
        public const string StorageFailed = "Storage failed";

        /// <summary>The bolt is thrown, but the door that it should hold is open.</summary>
        public const string DoorOpen = "Door open";

        public const string ConnectionLost = "Connection lost";

        public static string Of(BoltStatus status)
        {
            switch (status)
            {
                case BoltStatus.Locked:
                    return "Locked";
                case BoltStatus.Unlocked:
                    return "Unlocked";
                default:
                    return "Unknown";
            }
        }

        /// <summary>Null for <see cref="Verdict.None"/>.</summary>
        public static string Of(Verdict verdict)
        {
            switch (verdict)
            {
                case Verdict.Done:
                    return "done";
                case Verdict.Jammed:
                    return "jammed";
                case Verdict.Expired:
                    return "expired";
                case Verdict.Replayed:
                    return "replayed";
                case Verdict.UnknownCommand:
                    return "unknown_command";
                default:
                    return null;
            }
        }
    }
}
