using System.Text;
using SmartLock.Mqtt.Packets;
using SmartLock.Mqtt.Tests.Broker;
using SmartLock.Mqtt.Tests.Packets;

namespace SmartLock.Mqtt.Tests.Conformance;

/// <summary>Packets byte by byte, for what the library itself would not write.</summary>
internal static class Raw
{
    public const MqttProtocolVersion V311 = MqttProtocolVersion.V311;
    public const MqttProtocolVersion V500 = MqttProtocolVersion.V500;

    public static TheoryData<MqttProtocolVersion> Versions => [V311, V500];

    /// <summary>With its length in front.</summary>
    public static byte[] Text(params byte[] bytes) => [(byte)(bytes.Length >> 8), (byte)bytes.Length, .. bytes];

    public static byte[] Text(string text) => Text(Encoding.UTF8.GetBytes(text));

    /// <summary>No properties, in the version that has them.</summary>
    public static byte[] NoProperties(MqttProtocolVersion version) => version == V500 ? [0] : [];

    public static byte[] Connect(MqttProtocolVersion version, byte flags, params byte[][] payload)
    {
        return Wire.Frame(0x10, [0, 4, .. "MQTT"u8, (byte)version, flags, 0, 60, .. NoProperties(version), .. payload.SelectMany(p => p)]);
    }

    public static byte[] Subscribe(MqttProtocolVersion version, ushort id, params byte[][] payload)
    {
        return Wire.Frame(0x82, [(byte)(id >> 8), (byte)id, .. NoProperties(version), .. payload.SelectMany(p => p)]);
    }

    public static byte[] Unsubscribe(MqttProtocolVersion version, ushort id, params byte[][] payload)
    {
        return Wire.Frame(0xA2, [(byte)(id >> 8), (byte)id, .. NoProperties(version), .. payload.SelectMany(p => p)]);
    }

    /// <param name="flags">DUP, QoS and RETAIN.</param>
    public static byte[] Publish(MqttProtocolVersion version, byte flags, byte[] topic, string payload = "x", byte[]? id = null)
    {
        return Wire.Frame((byte)(0x30 | flags), [.. topic, .. id ?? [], .. NoProperties(version), .. Encoding.UTF8.GetBytes(payload)]);
    }

    /// <summary>A CONNECT whose session outlives the connection.</summary>
    public static ConnectPacket Lasting(string clientId, MqttProtocolVersion version) => TestBroker.Connect(clientId, version) with
    {
        CleanStart = false,
        Properties = version == V500 ? new MqttProperties { SessionExpiryInterval = 600 } : null,
    };

    /// <summary>The broker closes; a v5 client is told why first.</summary>
    public static async Task ShouldCloseAsync(this TestClient client, MqttReasonCode expected, string? what = null)
    {
        (await client.ReadDisconnectAsync()).ShouldBe(client.Version == V500 ? expected : null, what);
    }
}
