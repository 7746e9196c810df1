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

    // More than the longest command has, with a device id of 64.
    private const int FirstSize = 512;

    /// <param name="boot">Of the device's last believed status; null when it named none.</param>
    public static byte[] WriteSigned(Command command, string? boot, byte[] key)
    {
        var members = Write(command, boot, withDevice: false).WrittenSpan;
        return Signatures.Sign(key, Signatures.ForCommand, members);
    }

    /// <summary>
    /// For a device that checks no signature: without one, and with <c>device</c>, which is where the first sketch looks. With device ids of up
    /// to 32 characters it fits what the sketch's libraries have for it: PubSubClient 256 bytes for the whole packet, which is 23 bytes on the
    /// shared topic at QoS 0, 142 of JSON, and the id twice; ArduinoJson 6 on 32 bits, where it copies strings, a StaticJsonDocument&lt;256&gt; for
    /// six members of 16 bytes and the strings with a zero each.
    /// </summary>
    /// <param name="boot">As for <see cref="WriteSigned"/>; the sketch names none.</param>
    public static byte[] WriteUnsigned(Command command, string? boot)
    {
        var members = Write(command, boot, withDevice: true);
        members.Write("}"u8);
        return members.WrittenSpan.ToArray();
    }

    /// <summary>The members without the closing brace.</summary>
    private static ArrayBufferWriter<byte> Write(Command command, string? boot, bool withDevice)
    {
        var buffer = new ArrayBufferWriter<byte>(FirstSize);
        using var json = new Utf8JsonWriter(buffer, WriterOptions);
        json.WriteStartObject();
        json.WriteString("device_id"u8, command.DeviceId);
        if (withDevice)
        {
            json.WriteString("device"u8, command.DeviceId);
        }

        json.WriteString("command"u8, WireName(command.Action));
        json.WriteString("command_id"u8, command.Id);
        json.WriteNumber("issued_at"u8, command.IssuedAt.ToUnixTimeMilliseconds());
        json.WriteNumber("expires_at"u8, command.ExpiresAt.ToUnixTimeMilliseconds());
        if (boot is not null)
        {
            json.WriteString("boot"u8, boot);
        }

        json.Flush();
        return buffer;
    }

    private static string WireName(CommandAction action) => action switch
    {
        CommandAction.Lock => "LOCK",
        CommandAction.Unlock => "UNLOCK",
        _ => throw new ArgumentOutOfRangeException(nameof(action)),
    };
}
