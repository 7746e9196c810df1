using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <summary>
/// The links of the log's chains, one chain per lock: each entry's hash covers its content and the hash before it. The hashes are HMAC-SHA256
/// under the server's audit key, so that whoever can write to the store, but has not the key, cannot make a changed entry look right.
/// </summary>
internal sealed class AuditChain(byte[] key)
{
    public const int HashBytes = HMACSHA256.HashSizeInBytes;

    private const string FileName = "audit.key";
    private const int UsualBytes = 512;

    /// <summary>What stands for the entry before the first.</summary>
    public static readonly byte[] Beginning = new byte[HashBytes];

    public static AuditChain Load(IOptions<AuditOptions> options, DataFolder folder) =>
        new(ServerKey.Load(options.Value.Key, folder.File(FileName)));

    /// <summary>
    /// Whether the entry's hash is the one that this server wrote. Entries of versions that had no <see cref="ChainedEntry.Issue"/> told it in their
    /// result only: the migration that filled the field from there left their hashes as they were.
    /// </summary>
    public bool IsGenuine(ChainedEntry entry) =>
        CryptographicOperations.FixedTimeEquals(HashOf(entry), entry.Hash)
        || (entry.Issue is { } issue
            && entry.Result == AuditResults.Unavailable(issue)
            && CryptographicOperations.FixedTimeEquals(HashOf(entry with { Issue = null }), entry.Hash));

    /// <summary>Over every field of <paramref name="entry"/> but its id and its hash.</summary>
    public byte[] HashOf(ChainedEntry entry)
    {
        var text = entry.DeviceId.Length + entry.Actor.Length + entry.Action.Length + entry.Result.Length
            + (entry.CommandId?.Length ?? 0) + (entry.Target?.Length ?? 0) + (entry.Issue?.Length ?? 0);
        var buffer = ArrayPool<byte>.Shared.Rent(UsualBytes + (text * 3));
        try
        {
            var line = new Line(buffer);
            line.Add(entry.Issue is null ? "entry/1" : "entry/2");
            line.Add(entry.DeviceId);
            line.Add(entry.Sequence);
            line.Add(entry.Time);
            line.Add(entry.Actor);
            line.Add(entry.Action);
            line.Add(entry.Result);
            line.Add(entry.CommandId);
            line.Add(entry.Target);
            line.Add(entry.PreviousHash);
            if (entry.Issue is not null)
            {
                line.Add(entry.Issue);
            }

            return HMACSHA256.HashData(key, line.Bytes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public byte[] SealOf(string deviceId, long sequence, byte[] hash)
    {
        var line = new Line(new byte[UsualBytes]);
        line.Add("head/1");
        line.Add(deviceId);
        line.Add(sequence);
        line.Add(hash);
        return HMACSHA256.HashData(key, line.Bytes);
    }

    /// <summary>Of an entry that has no place in its chain yet: proof that it may be given one.</summary>
    /// <param name="unlinked">Its sequence is 0, and there is no hash before it.</param>
    public byte[] MarkOf(string entryKey, string? tenure, ChainedEntry unlinked)
    {
        var line = new Line(new byte[UsualBytes]);
        line.Add("outbox/1");
        line.Add(entryKey);
        line.Add(tenure);
        line.Add(HashOf(unlinked));
        return HMACSHA256.HashData(key, line.Bytes);
    }

    /// <summary>A key for another purpose, from which the audit key cannot be told.</summary>
    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key, HashBytes, info: Encoding.UTF8.GetBytes(purpose));

    public bool IsSealed(string deviceId, ChainHead head) =>
        CryptographicOperations.FixedTimeEquals(SealOf(deviceId, head.Sequence, head.Hash), head.Seal);

    /// <summary>Fields with their lengths before them: no two different entries have the same bytes.</summary>
    private ref struct Line(Span<byte> buffer)
    {
        private const int Nothing = -1;
        private readonly Span<byte> _buffer = buffer;
        private int _length;

        public readonly ReadOnlySpan<byte> Bytes => _buffer[.._length];

        public void Add(string? text)
        {
            if (text is null)
            {
                AddLength(Nothing);
                return;
            }

            var written = Encoding.UTF8.GetBytes(text, _buffer[(_length + sizeof(int))..]);
            AddLength(written);
            _length += written;
        }

        public void Add(long number)
        {
            BinaryPrimitives.WriteInt64BigEndian(_buffer[_length..], number);
            _length += sizeof(long);
        }

        public void Add(ReadOnlySpan<byte> bytes)
        {
            AddLength(bytes.Length);
            bytes.CopyTo(_buffer[_length..]);
            _length += bytes.Length;
        }

        private void AddLength(int length)
        {
            BinaryPrimitives.WriteInt32BigEndian(_buffer[_length..], length);
            _length += sizeof(int);
        }
    }
}
