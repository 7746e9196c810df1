using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Audit;

/// <summary>
/// The links of the log's chains, one chain per lock: each entry's hash covers its content and the hash before it. The hashes are HMAC-SHA256
/// under the server's audit key, so that whoever can write to the store, but has not the key, cannot make a changed entry look right.
/// </summary>
/// <param name="key">Asked for at each use: the key may not be there yet when this is made.</param>
internal sealed class AuditChain(Func<byte[]> key)
{
    public const int HashBytes = HMACSHA256.HashSizeInBytes;

    private const int UsualBytes = 512;

    /// <summary>Three of them, three bytes a character and a length each, fit into <see cref="UsualBytes"/>. Names and ids are shorter.</summary>
    private const int LongestField = 40;

    /// <summary>What stands for the entry before the first.</summary>
    public static readonly byte[] Beginning = new byte[HashBytes];

    public AuditChain(byte[] key)
        : this(() => key)
    {
    }

    /// <summary>Tells one audit key from another, and gives neither away.</summary>
    public byte[] Fingerprint => Derive("smartlock/check/1");

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

            return HMACSHA256.HashData(key(), line.Bytes);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// Of the accounts' chain another than before accounts were bound (<see cref="BindingOf"/>): so a store that was bound cannot be passed off as an
    /// older one, whose accounts would be bound as they are found.
    /// </summary>
    public byte[] SealOf(string deviceId, long sequence, byte[] hash) => SealOf(deviceId == AuditSubjects.Accounts ? "head/2" : "head/1", deviceId, sequence, hash);

    /// <summary>As the versions sealed all ends that did not bind accounts.</summary>
    public byte[] SealAsBefore(string deviceId, long sequence, byte[] hash) => SealOf("head/1", deviceId, sequence, hash);

    /// <inheritdoc cref="SealAsBefore"/>
    public bool IsSealedAsBefore(string deviceId, ChainHead head) =>
        CryptographicOperations.FixedTimeEquals(SealAsBefore(deviceId, head.Sequence, head.Hash), head.Seal);

    private byte[] SealOf(string kind, string deviceId, long sequence, byte[] hash)
    {
        var line = new Line(new byte[UsualBytes]);
        line.Add(kind);
        line.Add(deviceId);
        line.Add(sequence);
        line.Add(hash);
        return HMACSHA256.HashData(key(), line.Bytes);
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
        return HMACSHA256.HashData(key(), line.Bytes);
    }

    /// <summary>Proof that an account with this id has this name: without it, whoever swaps two ids in the store swaps who did what in the log.</summary>
    /// <param name="nameKey">What the store finds the account by.</param>
    public byte[] BindingOf(string accountId, string nameKey, string username)
    {
        var line = new Line(new byte[UsualBytes]);
        line.Add("account/1");
        line.Add(accountId);
        line.Add(nameKey);
        line.Add(username);
        return HMACSHA256.HashData(key(), line.Bytes);
    }

    /// <summary>The same for a deleted account, of whose name only <see cref="NameHashOf"/> is left.</summary>
    public byte[] RetiredBindingOf(string accountId, string nameHash)
    {
        var line = new Line(new byte[UsualBytes]);
        line.Add("retired/1");
        line.Add(accountId);
        line.Add(nameHash);
        return HMACSHA256.HashData(key(), line.Bytes);
    }

    public bool IsBound(AccountBinding account)
    {
        var expected = account switch
        {
            // Bytes that somebody made longer than any of ours do not fit the line, and were not bound.
            { Binding: null } or { Id.Length: > LongestField } or { NameKey.Length: > LongestField } or { Username.Length: > LongestField } => null,
            { NameKey: { } nameKey, Username: { } username } =>
                account.NameHash is null || account.NameHash == NameHashOf(nameKey) ? BindingOf(account.Id, nameKey, username) : null,
            { NameKey: null, Username: null, NameHash: { Length: HashBytes * 2 } nameHash } => RetiredBindingOf(account.Id, nameHash),
            _ => null,
        };
        return expected is not null && CryptographicOperations.FixedTimeEquals(expected, account.Binding);
    }

    /// <summary>What is left of an account. One whose binding was wrong gets none that is right: deleting it does not mend what verification is to find.</summary>
    public AccountBinding Retire(AccountBinding account, string nameHash) =>
        new(account.Id, null, null, nameHash, IsBound(account) ? RetiredBindingOf(account.Id, nameHash) : []);

    /// <summary>
    /// What a name is known by once it is nobody's: under the key, so that whoever has a copy of the store cannot try names against it. Made of
    /// <see cref="PlainNameHashOf"/>, which is all that versions before this one left of a deleted name.
    /// </summary>
    public string NameHashOf(string nameKey) => KeyedNameHash(PlainNameHashOf(nameKey));

    public string KeyedNameHash(string plain)
    {
        var line = new Line(new byte[UsualBytes]);
        line.Add("name/1");
        line.Add(plain);
        return Convert.ToHexStringLower(HMACSHA256.HashData(key(), line.Bytes));
    }

    public static string PlainNameHashOf(string nameKey) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(nameKey)));

    /// <summary>A key for another purpose, from which the audit key cannot be told.</summary>
    public byte[] Derive(string purpose) => HKDF.DeriveKey(HashAlgorithmName.SHA256, key(), HashBytes, info: Encoding.UTF8.GetBytes(purpose));

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
