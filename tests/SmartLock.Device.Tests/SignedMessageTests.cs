using SmartLock.Device.Tests.Rig;
using SmartLock.Testing;

namespace SmartLock.Device.Tests;

public sealed class SignedMessageTests
{
    private static readonly ProtocolVectors Vectors = ProtocolVectors.Load();

    public static TheoryData<string, string, string> Messages()
    {
        var messages = new TheoryData<string, string, string>();
        foreach (var v in Vectors.Commands)
        {
            messages.Add(v.Key, SignedMessage.Command, v.Message);
        }

        foreach (var v in Vectors.Statuses)
        {
            messages.Add(v.Key, SignedMessage.Status, v.Message);
        }

        foreach (var v in Vectors.Wills)
        {
            messages.Add(v.Key, SignedMessage.Will, v.Message);
        }

        return messages;
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void The_golden_vectors_are_signed_for_their_purpose_only(string keyHex, string purpose, string message)
    {
        var key = DeviceKey.FromHex(keyHex);

        foreach (var other in new[] { SignedMessage.Command, SignedMessage.Status, SignedMessage.Will })
        {
            SignedMessage.IsSigned(key, other, message.Bytes()).ShouldBe(other == purpose);
        }

        SignedMessage.IsSigned(DeviceKey.FromHex(new string('1', 64)), purpose, message.Bytes()).ShouldBeFalse();
    }

    [Theory]
    [MemberData(nameof(Messages))]
    public void What_is_signed_here_is_the_golden_vector(string keyHex, string purpose, string message)
    {
        var members = message[..message.LastIndexOf(",\"signature\":", StringComparison.Ordinal)];

        SignedMessage.Sign(DeviceKey.FromHex(keyHex), purpose, members).ShouldBe(message);
    }

    [Fact]
    public void Commands_are_read_as_the_golden_vectors_have_them()
    {
        Vectors.Commands.Count.ShouldBeGreaterThan(2);
        foreach (var v in Vectors.Commands)
        {
            var read = Command.From(FlatJsonReader.Read(v.Message.Bytes()));
            (read.DeviceId, read.Name, read.Id, read.IssuedAt, read.ExpiresAt, read.Boot).ShouldBe(
                (v.DeviceId, v.Command, v.CommandId, v.IssuedAt, v.ExpiresAt, v.Boot!));
        }
    }

    [Fact]
    public void Mqtt_passwords_match_the_golden_vectors()
    {
        Vectors.MqttPasswords.Count.ShouldBeGreaterThan(2);
        foreach (var v in Vectors.MqttPasswords)
        {
            SignedMessage.MqttPassword(DeviceKey.FromHex(v.Key), v.DeviceId).ShouldBe(v.Password);
        }
    }

    [Fact]
    public void No_flipped_bit_cut_or_addition_leaves_a_message_signed()
    {
        var v = Vectors.Commands[0];
        var key = DeviceKey.FromHex(v.Key);
        var genuine = v.Message.Bytes();
        for (var at = 0; at < genuine.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var bent = genuine.ToArray();
                bent[at] ^= (byte)(1 << bit);
                SignedMessage.IsSigned(key, SignedMessage.Command, bent).ShouldBeFalse($"byte {at}, bit {bit}");
            }

            SignedMessage.IsSigned(key, SignedMessage.Command, genuine[..at]).ShouldBeFalse();
            SignedMessage.IsSigned(key, SignedMessage.Command, [.. genuine[..at], (byte)' ', .. genuine[at..]]).ShouldBeFalse();
        }

        SignedMessage.IsSigned(key, SignedMessage.Command, genuine).ShouldBeTrue();
        SignedMessage.IsSigned(key, SignedMessage.Command, [.. genuine, (byte)' ']).ShouldBeFalse();
        SignedMessage.IsSigned(key, SignedMessage.Command, []).ShouldBeFalse();
        SignedMessage.IsSigned(key, SignedMessage.Command, null).ShouldBeFalse();
    }

    [Fact]
    public void Only_the_last_member_is_a_signature()
    {
        const string Members = """{"device_id":"d" """;
        var signature = ServerPen.Sign(LockRig.KeyHex, "v2|cmd|" + Members);
        var key = DeviceKey.FromHex(LockRig.KeyHex);

        SignedMessage.IsSigned(key, SignedMessage.Command, $$"""{{Members}},"signature":"{{signature}}"}""".Bytes()).ShouldBeTrue();
        SignedMessage.IsSigned(key, SignedMessage.Command, $$"""{{Members}},"signature":"{{signature}}","boot":"x"}""".Bytes()).ShouldBeFalse();
        SignedMessage.IsSigned(key, SignedMessage.Command, $$"""{"signature":"{{signature}}","device_id":"d"}""".Bytes()).ShouldBeFalse();
        SignedMessage.IsSigned(key, SignedMessage.Command, $$"""{{Members}},"signature":"{{signature.ToUpperInvariant()}}"}""".Bytes()).ShouldBeFalse();
    }

    [Fact]
    public void A_message_longer_than_the_protocol_has_is_not_even_verified()
    {
        var members = "{\"note\":\"" + new string('x', 1000) + "\"";
        SignedMessage.IsSigned(DeviceKey.FromHex(LockRig.KeyHex), SignedMessage.Command, ServerPen.Signed(LockRig.KeyHex, "v2|cmd|", members)).ShouldBeFalse();
    }

    [Fact]
    public void Only_lowercase_hexadecimal_of_the_right_length_is_a_key()
    {
        DeviceKey.FromHex(Vectors.Commands[2].Key.ToUpperInvariant()).ShouldBeNull();
        DeviceKey.FromHex("00").ShouldBeNull();
        DeviceKey.FromBytes(new byte[31]).ShouldBeNull();
        DeviceKey.FromBytes(null).ShouldBeNull();
    }

    [Fact]
    public void A_key_survives_its_use_and_the_callers_array()
    {
        var login = Vectors.MqttPasswords[0];
        var bytes = Convert.FromHexString(login.Key);
        var key = DeviceKey.FromBytes(bytes);
        Array.Clear(bytes);

        key.Sign(login.Line).ShouldBe(login.Password);
        key.Sign(login.Line).ShouldBe(login.Password);
        key.ToString().ShouldBe("SmartLock.Device.DeviceKey");
    }
}
