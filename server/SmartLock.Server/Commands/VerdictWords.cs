namespace SmartLock.Server.Commands;

/// <summary>What a device may say about a command it decided on.</summary>
internal static class VerdictWords
{
    public const string Done = "done";
    public const string Expired = "expired";

    private static readonly string[] All = [Done, "jammed", Expired, "replayed", "bad_signature", "unknown_command"];

    /// <summary>The word as a shared string; null for anything a device has no business saying.</summary>
    public static string? Find(ReadOnlySpan<byte> utf8)
    {
        foreach (var word in All)
        {
            if (System.Text.Ascii.Equals(utf8, word))
            {
                return word;
            }
        }

        return null;
    }

    public static CommandState StateFor(string word) => word switch
    {
        Done => CommandState.Done,
        Expired => CommandState.Expired,
        _ => CommandState.Failed,
    };
}
