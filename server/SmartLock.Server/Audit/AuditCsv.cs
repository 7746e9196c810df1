using System.Globalization;
using System.Text;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Audit;

/// <summary>Log entries as comma-separated values (RFC 4180), page by page, so that no export is held in memory.</summary>
internal static class AuditCsv
{
    public const string ContentType = "text/csv; charset=utf-8; header=present";

    private const string Header = "id,time,device_id,sequence,actor,action,result,command_id,target,previous_hash,hash,issue";
    private const string LineEnd = "\r\n";
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <param name="page">Gives the page before an id.</param>
    public static async Task WriteAsync(Stream body, Page<AuditEntry> first, Func<long, Task<Page<AuditEntry>>> page)
    {
        await using var writer = new StreamWriter(body, Utf8, leaveOpen: true);
        await writer.WriteAsync(Header + LineEnd);
        var current = first;
        while (true)
        {
            foreach (var entry in current.Items)
            {
                await writer.WriteAsync(LineOf(entry));
            }

            if (current.Next is null || !AuditCursor.TryDecode(current.Next, out var before))
            {
                return;
            }

            current = await page(before);
        }
    }

    private static string LineOf(AuditEntry entry)
    {
        string?[] fields =
        [
            entry.Id.ToString(CultureInfo.InvariantCulture),
            TimestampConverter.Format(entry.Time),
            entry.DeviceId,
            entry.Sequence.ToString(CultureInfo.InvariantCulture),
            entry.Actor,
            entry.Action,
            entry.Result,
            entry.CommandId,
            entry.Target,
            Convert.ToHexStringLower(entry.PreviousHash),
            Convert.ToHexStringLower(entry.Hash),
            entry.Issue,
        ];
        return string.Join(',', fields.Select(Quote)) + LineEnd;
    }

    /// <summary>
    /// A spreadsheet takes what begins with one of these signs for a formula, and runs it; an apostrophe before it makes it text
    /// (https://owasp.org/www-community/attacks/CSV_Injection).
    /// </summary>
    private static string Quote(string? field)
    {
        var text = field ?? "";
        if (text.Length > 0 && text[0] is '=' or '+' or '-' or '@' or '\t' or '\r')
        {
            text = "'" + text;
        }

        return text.AsSpan().IndexOfAny(",\"\r\n") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
