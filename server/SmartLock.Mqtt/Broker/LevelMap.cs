using System.Buffers.Binary;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// A hash map from a topic level (UTF-8) to a node. Reads take no lock and allocate nothing; writers are serialised by the owner.
/// </summary>
/// <remarks>
/// A reader walks immutable chains: an entry's <c>Next</c> only ever changes to skip a removed entry, and growing builds new entries
/// in a new table, so a walk that started on the old table still ends and misses nothing that was there when it started.
/// </remarks>
internal sealed class LevelMap<T>
    where T : class
{
    // Topic levels come from clients; the seed keeps them from choosing levels that all share one chain.
    private static readonly ulong Seed = BitConverter.ToUInt64(System.Security.Cryptography.RandomNumberGenerator.GetBytes(8)) | 1;

    private Entry?[] _buckets = new Entry?[4];
    private int _count;

    public int Count => _count;

    public T? Find(ReadOnlySpan<byte> level)
    {
        var hash = Hash(level);
        var buckets = Volatile.Read(ref _buckets);
        for (var entry = Volatile.Read(ref buckets[hash & (uint)(buckets.Length - 1)]); entry is not null; entry = Volatile.Read(ref entry.Next))
        {
            if (entry.Hash == hash && level.SequenceEqual(entry.Level))
            {
                return entry.Value;
            }
        }

        return null;
    }

    /// <summary>The level must not be in the map yet.</summary>
    public void Add(byte[] level, T value)
    {
        if (_count >= _buckets.Length)
        {
            Grow();
        }

        Insert(_buckets, new Entry(Hash(level), level, value));
        _count++;
    }

    public void Remove(ReadOnlySpan<byte> level)
    {
        var hash = Hash(level);
        ref var link = ref _buckets[hash & (uint)(_buckets.Length - 1)];
        while (link is { } entry)
        {
            if (entry.Hash == hash && level.SequenceEqual(entry.Level))
            {
                Volatile.Write(ref link, entry.Next);
                _count--;
                return;
            }

            link = ref entry.Next;
        }
    }

    public IEnumerable<T> Values()
    {
        var buckets = Volatile.Read(ref _buckets);
        foreach (var head in buckets)
        {
            for (var entry = head; entry is not null; entry = entry.Next)
            {
                yield return entry.Value;
            }
        }
    }

    private void Grow()
    {
        var larger = new Entry?[_buckets.Length * 2];
        foreach (var head in _buckets)
        {
            for (var entry = head; entry is not null; entry = entry.Next)
            {
                Insert(larger, new Entry(entry.Hash, entry.Level, entry.Value));
            }
        }

        Volatile.Write(ref _buckets, larger);
    }

    private static void Insert(Entry?[] buckets, Entry entry)
    {
        ref var head = ref buckets[entry.Hash & (uint)(buckets.Length - 1)];
        entry.Next = head;
        Volatile.Write(ref head, entry);
    }

    private static uint Hash(ReadOnlySpan<byte> level)
    {
        var hash = Seed ^ (ulong)level.Length;
        while (level.Length >= 8)
        {
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(level));
            level = level[8..];
        }

        ulong tail = 0;
        foreach (var b in level)
        {
            tail = (tail << 8) | b;
        }

        hash = Mix(hash ^ tail);
        return (uint)(hash ^ (hash >> 32));
    }

    private static ulong Mix(ulong value)
    {
        var high = Math.BigMul(value, 0x9E3779B97F4A7C15 ^ (Seed << 1), out var low);
        return high ^ low;
    }

    private sealed class Entry(uint hash, byte[] level, T value)
    {
        public readonly uint Hash = hash;
        public readonly byte[] Level = level;
        public readonly T Value = value;
        public Entry? Next;
    }
}
