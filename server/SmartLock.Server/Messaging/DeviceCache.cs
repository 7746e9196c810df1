using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Messaging;

/// <summary>The store has another key for the device, or none any more.</summary>
internal sealed record DeviceKeyChanged(string DeviceId);

/// <summary>The devices that reported to this process lately, by device id. A cache over the store, bounded.</summary>
internal sealed partial class DeviceCache(IDeviceKeyStore store, DeviceKeys keys, Events<DeviceKeyChanged> changed, TimeProvider time, ILogger<DeviceCache> log)
{
    private const int MaxDevices = 200_000;
    private static readonly TimeSpan BetweenReads = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, CachedDevice> _devices = new(StringComparer.Ordinal);
    private readonly System.Threading.Lock _gate = new();
    private int _forgotten;

    /// <summary>Without a read: null when the device is not remembered, whether it exists or not.</summary>
    public CachedDevice? Find(ReadOnlySpan<byte> deviceIdUtf8)
    {
        Span<char> chars = stackalloc char[Topics.MaxDeviceIdLength];
        if (deviceIdUtf8.Length > chars.Length || Ascii.ToUtf16(deviceIdUtf8, chars, out var length) != System.Buffers.OperationStatus.Done)
        {
            return null;
        }

        return _devices.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..length], out var device) ? device : null;
    }

    /// <summary>From memory or from the store; null when there is no such device, or its key cannot be read.</summary>
    /// <exception cref="StoreUnavailableException"/>
    public async ValueTask<CachedDevice?> FindAsync(string deviceId, CancellationToken ct)
    {
        while (true)
        {
            if (_devices.TryGetValue(deviceId, out var known))
            {
                return known;
            }

            var forgotten = Volatile.Read(ref _forgotten);
            var record = await store.FindAsync(deviceId, ct);
            if (record is null || KeyOf(record) is not { } key)
            {
                return null;
            }

            var read = new CachedDevice(deviceId, key, record.Unsigned)
            {
                SentAt = record.SentAt,
                ConnectedAt = record.ConnectedAt,
                Boot = record.Boot,
                Owner = record.Owner,
                KeyFrom = record.KeyFrom,
                ReadAt = time.GetTimestamp(),
            };
            if (TryRemember(read, forgotten) is { } remembered)
            {
                return remembered;
            }
        }
    }

    /// <summary>
    /// To be called once the store has the device's new key, or has it no more: nothing goes by the old key from then on, not even a read of
    /// it that was under way.
    /// </summary>
    public void Forget(string deviceId)
    {
        ForgetHere(deviceId);
        changed.Publish(new DeviceKeyChanged(deviceId));
    }

    /// <summary>Its next login counts for the new owner; the connection that it has, for the one before.</summary>
    public void SetOwner(string deviceId, string owner)
    {
        if (_devices.TryGetValue(deviceId, out var known))
        {
            known.Owner = owner;
        }
    }

    /// <summary>As <see cref="Forget"/>, of what another replica has changed.</summary>
    public void ForgetHere(string deviceId)
    {
        lock (_gate)
        {
            _forgotten++;
            _devices.TryRemove(deviceId, out _);
        }
    }

    /// <summary>The store has shown that a key is no longer the device's: another process removed the lock, or gave it a new key.</summary>
    public void ForgetKey(string deviceId, long keyFrom)
    {
        lock (_gate)
        {
            if (_devices.TryGetValue(deviceId, out var known) && known.KeyFrom == keyFrom)
            {
                _forgotten++;
                _devices.TryRemove(deviceId, out _);
            }
        }
    }

    /// <summary>
    /// Forgets the key of a device that was refused with it, unless it was read a moment ago: another replica may have given the lock a new one, and what
    /// it said of that never came.
    /// </summary>
    /// <returns>Whether it is worth reading the device again.</returns>
    public bool ForgetRefused(CachedDevice device)
    {
        if (time.GetElapsedTime(device.ReadAt) < BetweenReads)
        {
            return false;
        }

        ForgetKey(device.DeviceId, device.KeyFrom);
        return true;
    }

    /// <summary>Null when something was forgotten since the device was read: it may have been this one.</summary>
    private CachedDevice? TryRemember(CachedDevice read, int forgotten)
    {
        lock (_gate)
        {
            if (forgotten != _forgotten)
            {
                return null;
            }

            if (_devices.Count >= MaxDevices)
            {
                ForgetSilent();
            }

            // Two readers may race here: the first one's object is the one that all share from then on.
            return _devices.GetOrAdd(read.DeviceId, read);
        }
    }

    public int CountReportedSince(DateTimeOffset since)
    {
        var count = 0;
        foreach (var (_, device) in _devices)
        {
            lock (device)
            {
                count += device.ReceivedAt >= since ? 1 : 0;
            }
        }

        return count;
    }

    private byte[]? KeyOf(DeviceRecord record)
    {
        try
        {
            return keys.Unprotect(record.DeviceId, record.ProtectedKey);
        }
        catch (CryptographicException e)
        {
            LogUnreadableKey(record.DeviceId, e);
            return null;
        }
    }

    /// <summary>Drops the half whose last report is oldest; a dropped device is read again at its next report.</summary>
    private void ForgetSilent()
    {
        var longestSilent = _devices.Values.OrderBy(d => d.ReceivedAt).Take(MaxDevices / 2).ToList();
        foreach (var device in longestSilent)
        {
            _devices.TryRemove(device.DeviceId, out _);
        }
    }

    [LoggerMessage(1, LogLevel.Error, "The stored key of device {DeviceId} cannot be read: was the data folder's keys folder lost or replaced?")]
    private partial void LogUnreadableKey(string deviceId, Exception e);
}
