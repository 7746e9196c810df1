using SmartLock.Testing;

namespace SmartLock.Device.Tests;

public sealed class SigningLinesTests
{
    private static readonly ProtocolVectors Vectors = ProtocolVectors.Load();

    [Fact]
    public void Commands_match_the_golden_vectors()
    {
        Vectors.Commands.Count.ShouldBeGreaterThan(2);
        foreach (var v in Vectors.Commands)
        {
            var line = SigningLines.Command(v.DeviceId, v.Command, v.CommandId, v.IssuedAt, v.ExpiresAt);
            line.ShouldBe(v.Line);
            Check(v.Key, line, v.Signature);
        }
    }

    [Fact]
    public void Statuses_match_the_golden_vectors()
    {
        Vectors.Statuses.Count.ShouldBeGreaterThan(2);
        foreach (var v in Vectors.Statuses)
        {
            var line = SigningLines.Status(v.DeviceId, v.Status, v.Issue, v.SentAt, v.ConnectedAt, v.CommandId, v.Result);
            line.ShouldBe(v.Line);
            Check(v.Key, line, v.Signature);
        }
    }

    [Fact]
    public void Wills_match_the_golden_vectors()
    {
        Vectors.Wills.Count.ShouldBeGreaterThan(2);
        foreach (var v in Vectors.Wills)
        {
            var line = SigningLines.Will(v.DeviceId, v.ConnectedAt);
            line.ShouldBe(v.Line);
            Check(v.Key, line, v.Signature);
        }
    }

    [Fact]
    public void Mqtt_passwords_match_the_golden_vectors()
    {
        Vectors.MqttPasswords.Count.ShouldBeGreaterThan(2);
        foreach (var v in Vectors.MqttPasswords)
        {
            var line = SigningLines.MqttLoginResponse(v.DeviceId);
            line.ShouldBe(v.Line);
            Check(v.Key, line, v.Password);
        }
    }

    [Theory]
    [InlineData("a|b")]
    [InlineData("|")]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("line\nbreak")]
    [InlineData("ž")]
    public void A_field_that_could_be_read_otherwise_is_never_signed(string? field)
    {
        SigningLines.Command(field, "LOCK", "1", 1, 2).ShouldBeNull();
        SigningLines.Command("d", field, "1", 1, 2).ShouldBeNull();
        SigningLines.Command("d", "LOCK", field, 1, 2).ShouldBeNull();
        SigningLines.Will(field, 1).ShouldBeNull();
        SigningLines.MqttLoginResponse(field).ShouldBeNull();
        SigningLines.Status(field, "Locked", null, 1, 2, null, null).ShouldBeNull();
        SigningLines.Status("d", field, null, 1, 2, null, null).ShouldBeNull();
        DeviceKey.FromHex(new string('0', 64)).Sign(null).ShouldBeNull();
        DeviceKey.FromHex(new string('0', 64)).Verify(null, new string('0', 64)).ShouldBeFalse();
    }

    [Theory]
    [InlineData("a|b")]
    [InlineData("tab\t")]
    [InlineData("ž")]
    public void Nor_is_an_optional_one(string field)
    {
        SigningLines.Status("d", "Locked", field, 1, 2, null, null).ShouldBeNull();
        SigningLines.Status("d", "Locked", null, 1, 2, field, null).ShouldBeNull();
        SigningLines.Status("d", "Locked", null, 1, 2, null, field).ShouldBeNull();
    }

    [Fact]
    public void Only_lowercase_hexadecimal_of_the_right_length_is_a_signature_or_a_key()
    {
        var vector = Vectors.Commands[0];
        var key = DeviceKey.FromHex(vector.Key);

        key.Verify(vector.Line, vector.Signature.ToUpperInvariant()).ShouldBeFalse();
        key.Verify(vector.Line, vector.Signature[..^2]).ShouldBeFalse();
        key.Verify(vector.Line, vector.Signature + "00").ShouldBeFalse();
        key.Verify(vector.Line, "").ShouldBeFalse();
        key.Verify(vector.Line, null).ShouldBeFalse();
        key.Verify(vector.Line, new string('g', 64)).ShouldBeFalse();
        DeviceKey.FromHex(Vectors.Commands[2].Key.ToUpperInvariant()).ShouldBeNull();
        DeviceKey.FromHex("00").ShouldBeNull();
        DeviceKey.FromBytes(new byte[31]).ShouldBeNull();
        DeviceKey.FromBytes(null).ShouldBeNull();
    }

    [Fact]
    public void A_key_survives_its_use_and_the_callers_array()
    {
        var bytes = Convert.FromHexString(Vectors.Commands[0].Key);
        var key = DeviceKey.FromBytes(bytes);
        Array.Clear(bytes);

        key.Sign(Vectors.Commands[0].Line).ShouldBe(Vectors.Commands[0].Signature);
        key.Sign(Vectors.Commands[0].Line).ShouldBe(Vectors.Commands[0].Signature);
        key.ToString().ShouldBe("SmartLock.Device.DeviceKey");
    }

    private static void Check(string keyHex, string line, string signature)
    {
        var key = DeviceKey.FromHex(keyHex);
        key.Sign(line).ShouldBe(signature);
        key.Verify(line, signature).ShouldBeTrue();
        key.Verify(line + "0", signature).ShouldBeFalse();
    }
}
