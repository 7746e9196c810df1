using SmartLock.Server.Heartbeats;

namespace SmartLock.Server.Tests.Storage;

internal static class DeviceMoves
{
    /// <summary>Stores a batch as the server would that has just believed all of it: under the keys that the devices have now.</summary>
    public static async Task<DeviceBatchResult> TakeAsync(this IDeviceStore devices, DeviceBatch batch)
    {
        var keys = new Dictionary<string, long>();
        var ids = batch.Reports.Select(r => r.DeviceId).Concat(batch.Verdicts.Select(v => v.DeviceId)).Concat(batch.Losses.Select(l => l.DeviceId));
        foreach (var deviceId in ids.Distinct())
        {
            keys[deviceId] = (await devices.FindAsync(deviceId, default))?.KeyFrom ?? 0;
        }

        return await devices.ApplyAsync(
            new DeviceBatch(
                [.. batch.Reports.Select(r => r with { KeyFrom = keys[r.DeviceId] })],
                [.. batch.Verdicts.Select(v => v with { KeyFrom = keys[v.DeviceId] })],
                [.. batch.Losses.Select(l => l with { KeyFrom = keys[l.DeviceId] })]),
            default);
    }
}
