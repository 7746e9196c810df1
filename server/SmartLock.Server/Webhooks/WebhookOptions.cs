using System.Net;

namespace SmartLock.Server.Webhooks;

/// <summary>Configuration section <c>Webhooks</c>.</summary>
internal sealed class WebhookOptions
{
    public const string Section = "Webhooks";

    private static readonly char[] Separators = [',', ';', ' '];

    public int MaxPerAccount { get; set; } = 20;

    /// <summary>Permits http beside https. The signature still tells a forged delivery, but everybody on the way can read it.</summary>
    public bool AllowHttp { get; set; }

    /// <summary>Networks, such as <c>10.0.0.0/8, 127.0.0.1/32</c>, that webhooks may reach although they are not public.</summary>
    public string AllowPrivateNetworks { get; set; } = "";

    public static string? Check(WebhookOptions options)
    {
        if (options.MaxPerAccount is < 1 or > 1_000)
        {
            return $"{Section}:MaxPerAccount must be between 1 and 1000.";
        }

        var wrong = Split(options.AllowPrivateNetworks).FirstOrDefault(text => !IPNetwork.TryParse(text, out _));
        return wrong is null ? null : $"{Section}:AllowPrivateNetworks: '{wrong}' is not a network such as 10.0.0.0/8.";
    }

    public IReadOnlyList<IPNetwork> PermittedNetworks() => [.. Split(AllowPrivateNetworks).Select(text => IPNetwork.Parse(text))];

    private static string[] Split(string text) =>
        text.Split(Separators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
