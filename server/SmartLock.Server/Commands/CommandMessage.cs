using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Commands;

/// <summary>A command as it goes to the device: one flat JSON object.</summary>
internal static class CommandMessage
{
    // nanoFramework's reader chokes on \u escapes, which the default encoder writes even for a plus sign.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Bytes of the longest command, with a device id of 64, while its signature is written: the writer asks for three a character then, and for 4 KB
    // when it finds no room.
    private const int FirstSize = 416;

    public static byte[] WriteSigned(Command command, byte[] key) => Write(command, key);

    /// <summary>
    /// For a device that checks no signature: without one, and with <c>device</c>, which is where the first sketch looks. With device ids of up
    /// to 32 characters it fits what the sketch's libraries have for it: PubSubClient 256 bytes for the whole packet, which is 23 bytes on the
    /// shared topic at QoS 0, 142 of JSON, and the id twice; ArduinoJson 6 on 32 bits, where it copies strings, a StaticJsonDocument&lt;256&gt; for
    /// six members of 16 bytes and the strings with a zero each.
    /// </summary>
    public static byte[] WriteUnsigned(Command command) => Write(command, key: null);

    private static byte[] Write(Command command, byte[]? key)
    {
        var action = WireName(command.Action);
        var issuedAt = command.IssuedAt.ToUnixTimeMilliseconds();
        var expiresAt = command.ExpiresAt.ToUnixTimeMilliseconds();
        var buffer = new ArrayBufferWriter<byte>(FirstSize);
        using var json = new Utf8JsonWriter(buffer, WriterOptions);
        json.WriteStartObject();
        json.WriteString("device_id"u8, command.DeviceId);
        if (key is null)
        {
            json.WriteString("device"u8, command.DeviceId);
        }

        json.WriteString("command"u8, action);
        json.WriteString("command_id"u8, command.Id);
        json.WriteNumber("issued_at"u8, issuedAt);
        json.WriteNumber("expires_at"u8, expiresAt);
        if (key is not null)
        {
            json.WriteString("signature"u8, Signatures.Command(key, command.DeviceId, action, command.Id, issuedAt, expiresAt));
        }

        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static string WireName(CommandAction action) => action switch
    {
        CommandAction.Lock => "LOCK",
        CommandAction.Unlock => "UNLOCK",
        _ => throw new ArgumentOutOfRangeException(nameof(action)),
    };
}
