namespace SmartLock.Device
{
    /// <summary>What the lights tell a person beside the bolt's position. The numbers are how often a light blinks for it.</summary>
    public enum Signal
    {
        Well = 0,
        NoNetwork = 1,
        NoBroker = 2,
        ClockNotSet = 3,
        NotSetUp = 4,
    }
}
