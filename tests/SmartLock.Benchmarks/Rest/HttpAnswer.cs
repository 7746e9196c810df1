using System.Buffers.Text;
using System.Text;

namespace SmartLock.Benchmarks;

/// <summary>Where an HTTP/1.1 answer ends (RFC 9112, section 6), which is all that a load generator needs to know of it.</summary>
internal static class HttpAnswer
{
    private static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    /// <summary>False when more bytes are needed.</summary>
    /// <param name="closes">Whether the server closes the connection after it.</param>
    /// <exception cref="InvalidDataException">Not a success, or not framed in a way that is known here.</exception>
    public static bool IsWhole(ReadOnlySpan<byte> received, out bool closes)
    {
        closes = false;
        var headEnd = received.IndexOf("\r\n\r\n"u8);
        if (headEnd < 0)
        {
            return false;
        }

        var head = received[..headEnd];
        if (!head.StartsWith("HTTP/1.1 200 "u8))
        {
            throw new InvalidDataException($"The server answered: {Encoding.ASCII.GetString(head)}");
        }

        closes = ValueOf(head, "Connection"u8).SequenceEqual("close"u8);
        var body = received[(headEnd + 4)..];
        if (Utf8Parser.TryParse(ValueOf(head, "Content-Length"u8), out int length, out _))
        {
            return body.Length >= length;
        }

        return ValueOf(head, "Transfer-Encoding"u8).SequenceEqual("chunked"u8)
            ? EndsInLastChunk(body)
            : throw new InvalidDataException("An answer has neither a length nor chunks.");
    }

    private static bool EndsInLastChunk(ReadOnlySpan<byte> body)
    {
        while (true)
        {
            var lineEnd = body.IndexOf(LineEnd);
            if (lineEnd < 0)
            {
                return false;
            }

            if (!Utf8Parser.TryParse(body, out int size, out _, 'x'))
            {
                throw new InvalidDataException("A chunk has no size.");
            }

            var next = lineEnd + LineEnd.Length + size + LineEnd.Length;
            if (body.Length < next)
            {
                return false;
            }

            if (size == 0)
            {
                return true;
            }

            body = body[next..];
        }
    }

    private static ReadOnlySpan<byte> ValueOf(ReadOnlySpan<byte> head, ReadOnlySpan<byte> name)
    {
        while (true)
        {
            var lineEnd = head.IndexOf(LineEnd);
            var line = lineEnd < 0 ? head : head[..lineEnd];
            if (line.Length > name.Length && line[name.Length] == ':' && Ascii.EqualsIgnoreCase(line[..name.Length], name))
            {
                return line[(name.Length + 1)..].Trim((byte)' ');
            }

            if (lineEnd < 0)
            {
                return default;
            }

            head = head[(lineEnd + LineEnd.Length)..];
        }
    }
}
