using System.Text;
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
    public void Every_vector_is_signed_for_its_purpose_only()
    {
        Vectors.Commands.ShouldNotBeEmpty();
        foreach (var (key, message, purpose) in Vectors.Commands.Select(v => (v.Key, v.Message, 0))
            .Concat(Vectors.Statuses.Select(v => (v.Key, v.Message, 1)))
            .Concat(Vectors.Wills.Select(v => (v.Key, v.Message, 2))))
        {
            var (bytes, utf8) = (Convert.FromHexString(key), Encoding.UTF8.GetBytes(message));
            Signatures.Verify(bytes, Signatures.ForCommand, utf8).ShouldBe(purpose == 0, message);
            Signatures.Verify(bytes, Signatures.ForStatus, utf8).ShouldBe(purpose == 1, message);
            Signatures.Verify(bytes, Signatures.ForWill, utf8).ShouldBe(purpose == 2, message);
            Signatures.Verify(new byte[32], Signatures.ForCommand, utf8).ShouldBeFalse();
        }
    }

    [Fact]
    public void No_changed_byte_cut_or_addition_leaves_a_message_signed()
    {
        var v = Vectors.Statuses[0];
        var (key, genuine) = (Convert.FromHexString(v.Key), Encoding.UTF8.GetBytes(v.Message));
        for (var at = 0; at < genuine.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var bent = genuine.ToArray();
                bent[at] ^= (byte)(1 << bit);
                Signatures.Verify(key, Signatures.ForStatus, bent).ShouldBeFalse($"byte {at}, bit {bit}");
            }

            Signatures.Verify(key, Signatures.ForStatus, genuine.AsSpan(0, at)).ShouldBeFalse();
            Signatures.Verify(key, Signatures.ForStatus, [.. genuine[..at], (byte)' ', .. genuine[at..]]).ShouldBeFalse();
        }

        Signatures.Verify(key, Signatures.ForStatus, genuine).ShouldBeTrue();
        Signatures.Verify(key, Signatures.ForStatus, [.. genuine, (byte)' ']).ShouldBeFalse();
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
            Judge(v.Message, v.DeviceId, v.Key, v.ConnectedAt).ShouldBe((Belief.Believed, v.Boot ?? ""), v.Message);
        }

        foreach (var v in Vectors.Wills)
        {
            Judge(v.Message, v.DeviceId, v.Key, v.ConnectedAt).ShouldBe((Belief.Believed, v.Boot ?? ""), v.Message);
        }
    }

    [Fact]
    public void A_command_message_is_flat_without_escapes_and_carries_boot_and_signature()
    {
        foreach (var v in Vectors.Commands.Where(v => v.Command is "LOCK" or "UNLOCK"))
        {
            var issuedAt = DateTimeOffset.FromUnixTimeMilliseconds(v.IssuedAt);
            var expiresAt = DateTimeOffset.FromUnixTimeMilliseconds(v.ExpiresAt);
            var action = v.Command == "LOCK" ? CommandAction.Lock : CommandAction.Unlock;
            var command = new Command(v.CommandId, v.DeviceId, action, "alice", issuedAt, expiresAt, CommandState.Sent, null, null);

            Encoding.UTF8.GetString(CommandMessage.WriteSigned(command, v.Boot, Convert.FromHexString(v.Key))).ShouldBe(v.Message);
            var boot = v.Boot is null ? "" : $",\"boot\":\"{v.Boot}\"";
            Encoding.UTF8.GetString(CommandMessage.WriteUnsigned(command, v.Boot)).ShouldBe(
                $$"""{"device_id":"{{v.DeviceId}}","device":"{{v.DeviceId}}","command":"{{v.Command}}","command_id":"{{v.CommandId}}","issued_at":{{v.IssuedAt}},"expires_at":{{v.ExpiresAt}}{{boot}}}""");
        }
    }

    private static (Belief Belief, string Boot) Judge(string json, string deviceId, string keyHex, long connectedAt)
    {
        var (payload, key) = (Encoding.UTF8.GetBytes(json), Convert.FromHexString(keyHex));
        var proof = StatusBelief.ProofOf(payload, StatusSource.Anyone, key, unsignedAllowed: false);
        StatusMessage.TryParse(payload, new byte[StatusMessage.MaxPayloadBytes], out var message).ShouldBeTrue();
        var device = new CachedDevice(deviceId, key, isUnsigned: false) { ConnectedAt = connectedAt };
        return (StatusBelief.Of(message, proof, device, FarFuture), Encoding.ASCII.GetString(message.Boot));
    }
}
