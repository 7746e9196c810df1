using Microsoft.Extensions.Options;
using SmartLock.Server.Messaging;
using SmartLock.Server.Messaging.External;

namespace SmartLock.Server.Heartbeats;

/// <summary>
/// Replicas that stopped without signing off. A broker goes on delivering statuses to such a replica until it drops its connection: these statuses are
/// lost, and that time must not count against a device.
/// </summary>
internal sealed class LostReplicas(IOptions<MqttOptions> options, TimeProvider time)
{
    /// <summary>Each replica says at least this often that it is there.</summary>
    public static readonly TimeSpan SpeaksEvery = TimeSpan.FromSeconds(2);

    private const int MostRemembered = 256;
    private static readonly TimeSpan MissedAfter = TimeSpan.FromSeconds(5);

    /// <summary>mosquitto looks for dead clients every six seconds only; one more for the network.</summary>
    private static readonly TimeSpan BrokerLate = TimeSpan.FromSeconds(7);

    private readonly System.Threading.Lock _gate = new();
    private readonly Dictionary<string, long> _heardAt = new(StringComparer.Ordinal);
    private long? _lastLoss;

    /// <summary>For how long, at most, a broker hands statuses to a replica that does not get them.</summary>
    public TimeSpan LossWindow => (options.Value.KeepAlive * 1.5) + BrokerLate + BrokerClientLimits.SessionExpiry;

    public void NoteMessage(string replica)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            if (_heardAt.TryGetValue(replica, out var last))
            {
                NoteGap(last, now);
            }
            else if (_heardAt.Count >= MostRemembered)
            {
                _heardAt.Remove(_heardAt.MinBy(h => h.Value).Key);
            }

            _heardAt[replica] = now;
        }
    }

    /// <summary>It signed off: the broker delivers nothing to it any more.</summary>
    public void NoteLeft(string replica)
    {
        lock (_gate)
        {
            _heardAt.Remove(replica);
        }
    }

    /// <summary>What is to be added to the time without a report after which a device is offline.</summary>
    /// <param name="offlineAfter">That time.</param>
    public TimeSpan GracePeriod(TimeSpan offlineAfter)
    {
        lock (_gate)
        {
            var now = time.GetTimestamp();
            foreach (var receivedAt in _heardAt.Values)
            {
                NoteGap(receivedAt, now);
            }

            return _lastLoss is { } loss && time.GetElapsedTime(loss, now) < LossWindow + offlineAfter ? LossWindow : TimeSpan.Zero;
        }
    }

    private void NoteGap(long last, long now)
    {
        if (time.GetElapsedTime(last, now) > MissedAfter && !(_lastLoss >= last))
        {
            _lastLoss = last;
        }
    }
}
