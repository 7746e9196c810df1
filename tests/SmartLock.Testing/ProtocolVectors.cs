using System.Text.Json;

namespace SmartLock.Testing;

/// <summary>
/// Golden vectors of the device protocol's signed messages, computed outside of this code base. Device and server are held to the same
/// ones, so the two cannot drift apart together.
/// </summary>
public sealed record ProtocolVectors(
    IReadOnlyList<ProtocolVectors.CommandVector> Commands,
    IReadOnlyList<ProtocolVectors.StatusVector> Statuses,
    IReadOnlyList<ProtocolVectors.WillVector> Wills,
    IReadOnlyList<ProtocolVectors.LoginVector> MqttPasswords)
{
    private static readonly JsonSerializerOptions SnakeCase = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static ProtocolVectors Load()
    {
        using var file = typeof(ProtocolVectors).Assembly.GetManifestResourceStream("protocol-vectors.json")!;
        return JsonSerializer.Deserialize<ProtocolVectors>(file, SnakeCase)!;
    }

    public sealed record CommandVector(
        string Key, string DeviceId, string Command, string CommandId, long IssuedAt, long ExpiresAt, string? Boot, string Message);

    public sealed record StatusVector(
        string Key,
        string DeviceId,
        string Status,
        string? Issue,
        long SentAt,
        long ConnectedAt,
        string? Boot,
        string? CommandId,
        string? Result,
        string Message);

    public sealed record WillVector(string Key, string DeviceId, long ConnectedAt, string? Boot, string Message);

    public sealed record LoginVector(string Key, string DeviceId, string Line, string Password);
}
