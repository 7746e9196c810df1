using System.Text.Json;
using System.Text.Json.Nodes;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Settings;

/// <summary>Settings as a person would write them, and ways to bend one member.</summary>
internal static class Sample
{
    public const string Password = "correct horse 7";
    public const string Key = "00112233445566778899aabbccddeeff0123456789abcdef0123456789abcdef";

    public const string Json =
        $$"""{"wifi_ssid":"Home","wifi_password":"{{Password}}","host":"lock.example.org","device_id":"ESP32-7C9EBD","key":"{{Key}}"}""";

    /// <summary>Every member given, none at its default.</summary>
    public const string FullJson =
        $$"""{"wifi_ssid":"Home \"2\"","wifi_password":"{{Password}}","host":"192.168.1.20","port":18883,"tls":true,"""
        + $$""" "device_id":"ESP32-7C9EBD","key":"{{Key}}","locked_light_pin":25,"unlocked_light_pin":23,"bolt_pin":4,"button_pin":5,"""
        + """ "door_pin":18,"battery_pin":19}""";

    /// <summary>Of equal size as <see cref="DeviceSettings"/> allows at most, escapes included.</summary>
    public static readonly DeviceSettings Largest = new()
    {
        WifiSsid = new string('"', 32),
        WifiPassword = new string('\\', 63),
        Host = string.Join('.', Enumerable.Repeat(new string('h', 63), 3)) + "." + new string('h', 61),
        Port = 65535,
        Tls = false,
        DeviceId = new string('d', 64),
        Key = Key,
        LockedLightPin = 13,
        UnlockedLightPin = 14,
        BoltPin = 16,
        ButtonPin = 17,
        DoorPin = 18,
        BatteryPin = 19,
    };

    public static DeviceSettings Settings(string json = Json) => SettingsReader.Read(json.Bytes(), out _).ShouldNotBeNull();

    /// <summary>The value as JSON; null takes the member away.</summary>
    public static string With(string name, string? value)
    {
        var json = JsonNode.Parse(Json)!.AsObject();
        json.Remove(name);
        if (value is not null)
        {
            json.Add(name, JsonNode.Parse(value));
        }

        return json.ToJsonString(Relaxed);
    }

    /// <summary>Settings are equal when they are written the same.</summary>
    public static string Text(this DeviceSettings? settings) =>
        settings is null ? "none" : System.Text.Encoding.UTF8.GetString(SettingsWriter.Write(settings));

    private static readonly JsonSerializerOptions Relaxed =
        new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
}
