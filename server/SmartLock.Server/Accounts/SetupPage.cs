using System.Security.Cryptography;
using System.Text;

namespace SmartLock.Server.Accounts;

/// <summary>
/// The page behind the first start's link, in one file without anything from outside. The token stands in the link's fragment, which
/// browsers keep to themselves. The policy names the page's own script and style by their hashes, so that no others run.
/// </summary>
internal static class SetupPage
{
    private const string FormOnly = "<!--form-->";
    private const string OverOnly = "<!--over-->";
    private static readonly string Whole = Load();

    public static readonly string Form = Without(OverOnly);

    public static readonly string Over = Without(FormOnly);

    public static readonly string Policy =
        $"default-src 'none'; script-src '{HashOf("<script>", "</script>")}'; style-src '{HashOf("<style>", "</style>")}'; "
        + "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static string Load()
    {
        using var stream = typeof(SetupPage).Assembly.GetManifestResourceStream("SetupPage.html")!;
        using var reader = new StreamReader(stream, Encoding.UTF8);
        return reader.ReadToEnd().ReplaceLineEndings("\n");
    }

    /// <summary>Leaves out what stands between a pair of marks.</summary>
    private static string Without(string mark)
    {
        var from = Whole.IndexOf(mark, StringComparison.Ordinal);
        var to = Whole.LastIndexOf(mark, StringComparison.Ordinal) + mark.Length;
        return Whole.Remove(from, to - from).Replace(mark == FormOnly ? OverOnly : FormOnly, "", StringComparison.Ordinal);
    }

    private static string HashOf(string begin, string end)
    {
        var from = Whole.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var text = Whole[from..Whole.IndexOf(end, from, StringComparison.Ordinal)];
        return $"sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}";
    }
}
