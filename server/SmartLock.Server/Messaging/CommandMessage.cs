using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using SmartLock.Server.Commands;

namespace SmartLock.Server.Messaging;

/// <summary>A command as it goes to the device: one flat JSON object, signed.</summary>
internal static class CommandMessage
{
    // nanoFramework's reader chokes on \u escapes, which the default encoder writes even for a plus sign.
    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <param name="unsigned">Adds <c>device</c> beside <c>device_id</c>, which is where the Arduino sketch looks.</param>
    public static byte[] Write(Command command, byte[] key, bool unsigned)
    {
        var action = WireName(command.Action);
        var issuedAt = command.IssuedAt.ToUnixTimeMilliseconds();
        var expiresAt = command.ExpiresAt.ToUnixTimeMilliseconds();
        var buffer = new ArrayBufferWriter<byte>(320);
        using var json = new Utf8JsonWriter(buffer, WriterOptions);
        json.WriteStartObject();
        json.WriteString("device_id"u8, command.DeviceId);
        if (unsigned)
        {
            json.WriteString("device"u8, command.DeviceId);
        }

        json.WriteString("command"u8, action);
        json.WriteString("command_id"u8, command.Id);
        json.WriteNumber("issued_at"u8, issuedAt);
        json.WriteNumber("expires_at"u8, expiresAt);
        json.WriteString("signature"u8, Signatures.Command(key, command.DeviceId, action, command.Id, issuedAt, expiresAt));
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
