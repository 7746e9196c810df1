namespace SmartLock.Server.Commands;

/// <summary>What a device may say about a command it decided on.</summary>
internal static class VerdictWords
{
    public const string Done = "done";
    public const string Expired = "expired";

    private const string Jammed = "jammed";

    private static readonly string[] All = [Done, Jammed, Expired, "replayed", "bad_signature", "unknown_command"];

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

    /// <summary>The bolt was asked to move; else the command was refused.</summary>
    public static bool IsMovement(string word) => word is Done or Jammed;

    public static CommandState StateFor(string word) => word switch
    {
        Done => CommandState.Done,
        Expired => CommandState.Expired,
        _ => CommandState.Failed,
    };
}
