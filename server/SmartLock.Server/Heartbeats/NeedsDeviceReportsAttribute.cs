namespace SmartLock.Server.Heartbeats;

/// <summary>The job decides by the reports that were received: only a replica that has received statuses for long enough may run it.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NeedsDeviceReportsAttribute : Attribute;
