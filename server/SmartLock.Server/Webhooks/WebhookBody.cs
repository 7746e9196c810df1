using System.Text.Json;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

/// <summary>What a receiver is sent: <c>{id, event, created_at, data}</c>.</summary>
internal static class WebhookBody
{
    /// <param name="id">The event's: the same for every webhook that is told of it.</param>
    /// <param name="data">JSON.</param>
    public static byte[] Write(string id, string kind, DateTimeOffset createdAt, ReadOnlySpan<byte> data)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256 + data.Length);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("id", id);
            json.WriteString("event", kind);
            json.WriteString("created_at", TimestampConverter.Format(createdAt));
            json.WritePropertyName("data");
            json.WriteRawValue(data);
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }
}
