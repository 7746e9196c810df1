using System.Text;

namespace SmartLock.Mqtt.Client;

/// <summary>Bytes that never print themselves; made from text (as UTF-8) or from bytes.</summary>
public sealed class MqttPassword(ReadOnlyMemory<byte> bytes)
{
    internal ReadOnlyMemory<byte> Bytes { get; } = bytes;

    public static implicit operator MqttPassword?(string? text) => FromString(text);

    public static implicit operator MqttPassword?(byte[]? bytes) => FromByteArray(bytes);

    public static MqttPassword? FromString(string? text) => text is null ? null : new MqttPassword(Encoding.UTF8.GetBytes(text));

    public static MqttPassword? FromByteArray(byte[]? bytes) => bytes is null ? null : new MqttPassword(bytes);

    public override string ToString() => "***";
}
