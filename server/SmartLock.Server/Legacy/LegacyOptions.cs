namespace SmartLock.Server.Legacy;

/// <summary>Section <c>Original</c>.</summary>
internal sealed class LegacyOptions
{
    public const string Section = "Original";

    /// <summary>Serves the first SmartLock system's routes beside this one's, while its app and its sketches are moved over.</summary>
    public bool Enabled { get; set; }

    /// <summary>Read while routes are mapped; the validated options name a value that is none.</summary>
    public static bool IsEnabled(IConfiguration configuration) =>
        bool.TryParse(configuration[$"{Section}:{nameof(Enabled)}"], out var enabled) && enabled;
}
