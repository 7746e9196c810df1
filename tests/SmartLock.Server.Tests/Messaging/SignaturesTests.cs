using System.Text;
using System.Text.Json;
using SmartLock.Server.Commands;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Messaging;

/// <summary>The server signs and verifies what the device does, by vectors made outside of both.</summary>
public sealed class SignaturesTests
{
    private static readonly ProtocolVectors Vectors = ProtocolVectors.Load();

    // The vectors' dates are of any year; which of them are too far ahead is not the question here.
    private static readonly DateTimeOffset FarFuture = DateTimeOffset.MaxValue - StatusBelief.MaxAhead;

    [Fact]
    public void Commands_are_signed_as_the_vectors_have_it()
    {
        Vectors.Commands.ShouldNotBeEmpty();
        foreach (var v in Vectors.Commands)
        {
            Signatures.Command(Convert.FromHexString(v.Key), v.DeviceId, v.Command, v.CommandId, v.IssuedAt, v.ExpiresAt).ShouldBe(v.Signature);
        }
    }

    [Fact]
    public void Mqtt_passwords_are_derived_as_the_vectors_have_it()
    {
        Vectors.MqttPasswords.ShouldNotBeEmpty();
        foreach (var v in Vectors.MqttPasswords)
        {
            Signatures.MqttPassword(Convert.FromHexString(v.Key), v.DeviceId).ShouldBe(v.Password);
        }
    }

    [Fact]
    public void Statuses_and_wills_signed_as_the_vectors_have_it_are_believed()
    {
        Vectors.Statuses.ShouldNotBeEmpty();
        Vectors.Wills.ShouldNotBeEmpty();
        foreach (var v in Vectors.Statuses)
        {
            var status = new
            {
                device_id = v.DeviceId,
                status = v.Status,
                issue = v.Issue,
                sent_at = v.SentAt,
                connected_at = v.ConnectedAt,
                command_id = v.CommandId,
                result = v.Result,
                signature = v.Signature,
            };
            Judge(status, v.DeviceId, v.Key, v.ConnectedAt).ShouldBe(Belief.Believed, v.Line);
        }

        foreach (var v in Vectors.Wills)
        {
            var will = new { device_id = v.DeviceId, state = "Unavailable", connected_at = v.ConnectedAt, signature = v.Signature };
            Judge(will, v.DeviceId, v.Key, v.ConnectedAt).ShouldBe(Belief.Believed, v.Line);
        }
    }

    [Theory]
    [InlineData("A|B", "UNLOCK", "C")]
    [InlineData("A", "UN|LOCK", "C")]
    [InlineData("A", "UNLOCK", "C|1")]
    public void A_field_with_a_bar_is_refused_before_it_is_signed(string deviceId, string command, string commandId) =>
        Should.Throw<ArgumentException>(() => Signatures.Command(new byte[32], deviceId, command, commandId, 1, 2));

    [Fact]
    public void A_command_message_is_flat_without_escapes_and_carries_the_signature()
    {
        var v = Vectors.Commands[0];
        var issuedAt = DateTimeOffset.FromUnixTimeMilliseconds(v.IssuedAt);
        var expiresAt = DateTimeOffset.FromUnixTimeMilliseconds(v.ExpiresAt);
        var command = new Command(v.CommandId, v.DeviceId, CommandAction.Unlock, "alice", issuedAt, expiresAt, CommandState.Sent, null, null);
        var key = Convert.FromHexString(v.Key);

        Encoding.UTF8.GetString(CommandMessage.WriteSigned(command, key)).ShouldBe(
            $$"""{"device_id":"{{v.DeviceId}}","command":"{{v.Command}}","command_id":"{{v.CommandId}}","issued_at":{{v.IssuedAt}},"expires_at":{{v.ExpiresAt}},"signature":"{{v.Signature}}"}""");
        Encoding.UTF8.GetString(CommandMessage.WriteUnsigned(command)).ShouldBe(
            $$"""{"device_id":"{{v.DeviceId}}","device":"{{v.DeviceId}}","command":"{{v.Command}}","command_id":"{{v.CommandId}}","issued_at":{{v.IssuedAt}},"expires_at":{{v.ExpiresAt}}}""");
    }

    private static Belief Judge(object fields, string deviceId, string key, long connectedAt)
    {
        StatusMessage.TryParse(JsonSerializer.SerializeToUtf8Bytes(fields), new byte[StatusMessage.MaxPayloadBytes], out var message).ShouldBeTrue();
        var device = new CachedDevice(deviceId, Convert.FromHexString(key), isUnsigned: false) { ConnectedAt = connectedAt };
        return StatusBelief.Of(message, StatusSource.Anyone, device, unsignedAllowed: false, FarFuture);
    }
}
