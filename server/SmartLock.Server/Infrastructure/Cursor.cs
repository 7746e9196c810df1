using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Opaque cursors of one list. A check sum tells a mangled cursor, or one of another list, from a good one. It is no
/// secret and guards nothing: whoever forges a cursor still reads only what the query gives them.
/// </summary>
internal sealed class Cursor(string list)
{
    private const int SumBytes = 6;
    private const int MaxLength = 512;

    public string Encode(string position)
    {
        var text = Encoding.UTF8.GetBytes(position);
        return Base64Url.EncodeToString([.. Sum(text), .. text]);
    }

    public bool TryDecode(string cursor, out string position)
    {
        position = "";
        if (cursor.Length > MaxLength || !Base64Url.IsValid(cursor))
        {
            return false;
        }

        var bytes = Base64Url.DecodeFromChars(cursor);
        if (bytes.Length <= SumBytes || !Sum(bytes.AsSpan(SumBytes)).SequenceEqual(bytes.AsSpan(0, SumBytes)))
        {
            return false;
        }

        position = Encoding.UTF8.GetString(bytes.AsSpan(SumBytes));

        // One cursor, one spelling: padding and unused bits would otherwise give a page several.
        return Encode(position) == cursor;
    }

    /// <summary>A page of <paramref name="found"/>, which was asked for one item more than <paramref name="limit"/>.</summary>
    public Page<T> Page<T>(List<T> found, int limit, Func<T, string> position)
    {
        if (found.Count <= limit)
        {
            return new Page<T>(found, null);
        }

        found.RemoveRange(limit, found.Count - limit);
        return new Page<T>(found, Encode(position(found[^1])));
    }

    private byte[] Sum(ReadOnlySpan<byte> text) => SHA256.HashData([.. Encoding.UTF8.GetBytes(list), 0, .. text])[..SumBytes];
}
