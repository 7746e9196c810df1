namespace SmartLock.Server.Heartbeats;

/// <summary>The job judges the devices by what was heard of them: only a replica that has been listening for long enough may run it.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class JudgesDevicesAttribute : Attribute;
