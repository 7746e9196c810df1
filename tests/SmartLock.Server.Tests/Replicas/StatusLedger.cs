using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>A status that the broker gave to a server.</summary>
internal sealed class Handover(int server)
{
    private long _acknowledgedAt;

    public int Server => server;

    public long At { get; } = TimeProvider.System.GetTimestamp();

    public bool IsAcknowledged => AcknowledgedAt > 0;

    /// <summary>Timestamp of the system's clock; 0 while it is not.</summary>
    public long AcknowledgedAt => Interlocked.Read(ref _acknowledgedAt);

    public void NoteAcknowledged() => Interlocked.Exchange(ref _acknowledgedAt, TimeProvider.System.GetTimestamp());
}

/// <summary>What became of one status.</summary>
internal sealed class StatusTrack
{
    private readonly ConcurrentQueue<Handover> _handovers = new();
    private long _saidAt;

    /// <summary>When the observer reported it, which hears all that the broker was given; 0 if it has not.</summary>
    public long SaidAt => Interlocked.Read(ref _saidAt);

    public IReadOnlyCollection<Handover> Handovers => _handovers;

    public bool IsAcknowledged => _handovers.Any(h => h.IsAcknowledged);

    /// <summary>By how many servers.</summary>
    public int HandledBy => _handovers.Where(h => h.IsAcknowledged).Select(h => h.Server).Distinct().Count();

    public void Add(Handover handover) => _handovers.Enqueue(handover);

    /// <returns>False when it was said before.</returns>
    public bool NoteSaid() => Interlocked.CompareExchange(ref _saidAt, TimeProvider.System.GetTimestamp(), 0) == 0;
}

/// <summary>
/// All that devices said during a run, and which server was handed it. A status is known by its payload: each is signed, and none says the same
/// <c>sent_at</c> as another of its device.
/// </summary>
internal sealed class StatusLedger
{
    /// <summary>Far more than a run has.</summary>
    private const int MostStatuses = 500_000;

    private readonly ConcurrentDictionary<UInt128, StatusTrack> _tracks = new();
    private int _repeated;

    /// <summary>Those that the observer has reported by then and not before.</summary>
    public List<StatusTrack> Said(long from = 1, long until = long.MaxValue) => [.. _tracks.Values.Where(t => t.SaidAt >= from && t.SaidAt < until)];

    /// <summary>Handed to a server and never reported by the observer.</summary>
    public int Unsaid => _tracks.Values.Count(t => t.SaidAt == 0);

    /// <summary>How many came twice to the observer.</summary>
    public int Repeated => Volatile.Read(ref _repeated);

    public static bool IsStatus(ReadOnlySpan<byte> topic) => topic.StartsWith("smartlock/status/"u8);

    public static UInt128 IdOf(ReadOnlySpan<byte> payload)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(payload, hash);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(hash);
    }

    public Handover NoteHandover(int server, UInt128 status)
    {
        var handover = new Handover(server);
        Track(status).Add(handover);
        return handover;
    }

    public void NoteSaid(UInt128 status)
    {
        if (!Track(status).NoteSaid())
        {
            Interlocked.Increment(ref _repeated);
        }
    }

    private StatusTrack Track(UInt128 status)
    {
        _tracks.Count.ShouldBeLessThan(MostStatuses);
        return _tracks.GetOrAdd(status, _ => new StatusTrack());
    }
}
