using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using SmartLock.Device;
using SmartLock.Server.Messaging;
using SmartLock.Testing;
using Topics = SmartLock.Server.Messaging.Topics;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>
/// Whoever owns the broker owns no door: more than 10,000 messages that a hostile one can make up, keep back, or send again, from
/// the real server's own commands to the real device code. None of them moves the bolt, and a genuine command works at once after.
/// </summary>
public sealed class CommandAttackTests(ITestOutputHelper output)
{
    private readonly Random _random = new(20260601);

    [Fact]
    public async Task Commands_that_were_genuine_once_move_nothing_again_not_even_after_a_power_cut()
    {
        await using var hostile = await HostileBroker.StartAsync();
        await hostile.GenuineAsync(12);
        var captured = hostile.CommandsSeen;
        var device = hostile.Door.Device;

        await hostile.SendAsync(Shuffled(captured, 100));
        await hostile.CutPowerAsync();
        await hostile.SendAsync(Shuffled(captured, 100));
        await hostile.CutPowerAsync();
        await hostile.SendAsync(Shuffled(captured, 50));

        (device.RefusalsOf(Refusal.Repeated) + device.RefusalsOf(Refusal.Replayed) + device.RefusalsOf(Refusal.OtherBoot)).ShouldBe(hostile.Tries);
        device.RefusalsOf(Refusal.OtherBoot).ShouldBeGreaterThan(1000);
        hostile.Tries.ShouldBe(3000);
        await FinishAsync(hostile, 12);
    }

    /// <summary>The worst case: a command that nobody has delivered yet, so that nothing but its signature refuses the altered one.</summary>
    [Fact]
    public async Task No_altered_copy_of_a_command_that_was_kept_back_moves_anything()
    {
        await using var hostile = await HostileBroker.StartAsync();
        await hostile.GenuineAsync(8);
        var others = hostile.CommandsSeen;
        hostile.Clock.Advance(TimeSpan.FromSeconds(1));
        var fresh = hostile.Fresh();

        await hostile.SendAsync(BytesFlipped(fresh.Write()));
        await hostile.SendAsync(Cut(fresh.Write()));
        await hostile.SendAsync(FieldsChanged(fresh).Select(f => f.Write()));
        await hostile.SendAsync(ValuesSwapped(fresh));
        await hostile.SendAsync(others.Select(o => (fresh with { Signature = SignatureOf(o) }).Write()));
        await hostile.SendAsync(others.Select(o => Replace(o, SignatureOf(o), fresh.Signature)));

        hostile.Tries.ShouldBeGreaterThan(3000);
        hostile.Door.Device.BoltMovements.ShouldBe(8);
        await hostile.SendAsync([fresh.Write()]);
        hostile.Door.Device.BoltMovements.ShouldBe(9, "unaltered it would have worked all the time");
        await FinishAsync(hostile, 9, BoltStatus.Unlocked);
    }

    [Fact]
    public async Task A_command_kept_back_past_its_expiry_moves_nothing()
    {
        await using var hostile = await HostileBroker.StartAsync();
        await hostile.GenuineAsync(2);
        hostile.Clock.Advance(TimeSpan.FromMinutes(2));
        var now = hostile.Now;

        // Newer than any that the lock has accepted, rightly signed: nothing but the time is against them.
        await hostile.SendAsync(Enumerable.Range(0, 1000).Select(i =>
        {
            var expiresAt = now - (i * 50);
            return ForgedCommand.Signed(hostile.Door.Key, hostile.Door.DeviceId, "UNLOCK", $"LATE{i}", expiresAt - 10_000, expiresAt, hostile.Door.Device.Boot).Write();
        }));

        // One that was refused once is answered as before when it comes again; these are all different.
        hostile.Door.Device.RefusalsOf(Refusal.Expired).ShouldBe(1000);
        await FinishAsync(hostile, 2);
    }

    [Fact]
    public async Task What_another_key_signed_or_what_was_signed_for_something_else_moves_nothing()
    {
        await using var hostile = await HostileBroker.StartAsync();
        await hostile.GenuineAsync(6);
        hostile.Clock.Advance(TimeSpan.FromSeconds(1));
        var (id, key, now) = (hostile.Door.DeviceId, hostile.Door.Key, hostile.Now);
        var otherDevice = RandomNumberGenerator.GetBytes(DeviceKeys.KeyBytes);
        ForgedCommand By(byte[] by, string deviceId, int i) => ForgedCommand.Signed(by, deviceId, "UNLOCK", $"F{i}", now + i, now + i + 10_000, hostile.Door.Device.Boot);

        await hostile.SendAsync(Many(500, i => By(otherDevice, id, i).Write()));
        await hostile.SendAsync(Many(500, i => By(RandomNumberGenerator.GetBytes(DeviceKeys.KeyBytes), id, i).Write()));
        await hostile.SendAsync(Many(500, i => (By(otherDevice, "ESP32-OTHER", i) with { DeviceId = id }).Write()));
        hostile.Door.Device.RefusalsOf(Refusal.BadSignature).ShouldBe(1500);
        await hostile.SendAsync(Many(250, i => By(otherDevice, "ESP32-OTHER", i).Write()));
        await hostile.SendAsync(Many(250, i => By(key, id + "x", i).Write()));
        hostile.Door.Device.RefusalsOf(Refusal.OtherDevice).ShouldBe(500);

        // All other signatures that the device's own key makes: statuses, the will, its password at the broker.
        var own = hostile.StatusesSeen.Select(SignatureOf).Append(Signatures.MqttPassword(key, id)).ToList();
        await hostile.SendAsync(Many(500, i => (By(otherDevice, id, i) with { Signature = own[i % own.Count] }).Write()));
        hostile.Door.Device.RefusalsOf(Refusal.BadSignature).ShouldBe(2000);
        await FinishAsync(hostile, 6);
    }

    [Fact]
    public async Task A_retained_command_moves_nothing_however_often_the_lock_comes_back()
    {
        await using var hostile = await HostileBroker.StartAsync();
        await hostile.GenuineAsync(2);
        var device = hostile.Door.Device;
        byte[] kept = [];

        for (var round = 1; round <= 5; round++)
        {
            await hostile.CutPowerAsync(() =>
            {
                kept = hostile.Fresh().Write();
                hostile.Broker.Publish(Topics.Commands, kept, Mqtt.MqttQoS.AtLeastOnce, retain: true);
                hostile.Broker.Publish(Topics.CommandsOf(hostile.Door.DeviceId), kept, Mqtt.MqttQoS.AtLeastOnce, retain: true);
            });
            await Eventually.TrueAsync(() => device.RefusalsOf(Refusal.Retained) == 2 * round, "the retained ones were refused");
        }

        device.BoltMovements.ShouldBe(2);
        await hostile.SendAsync([kept]);
        device.RefusalsOf(Refusal.OtherBoot).ShouldBe(1, "by now it is of an earlier start as well");
        await hostile.SendAsync([hostile.Fresh().Write()]);
        device.BoltMovements.ShouldBe(3);
        await FinishAsync(hostile, 3, BoltStatus.Unlocked);
    }

    [Fact]
    public async Task What_is_no_command_moves_nothing_and_harms_nothing()
    {
        await using var hostile = await HostileBroker.StartAsync();
        await hostile.GenuineAsync(2);
        hostile.Clock.Advance(TimeSpan.FromSeconds(1));
        var fresh = hostile.Fresh();

        await hostile.SendAsync(Oversized(fresh, hostile.Door.Key), atOnce: 10);
        await hostile.SendAsync(Many(1000, _ => RandomBytes(_random.Next(0, 2000))));
        await hostile.SendAsync(Many(200, i => Encoding.UTF8.GetBytes(new string('[', i) + "{\"device_id\":" + new string('{', i))));
        await hostile.SendAsync(Misshapen(fresh, hostile.Door.Key));
        await hostile.SendAsync(Duplicated(fresh, hostile.Door.Key));

        hostile.Tries.ShouldBeGreaterThan(1400);
        hostile.Door.Device.BoltMovements.ShouldBe(2);
        hostile.Clock.Advance(TimeSpan.FromSeconds(1));
        await hostile.SendAsync([hostile.Fresh().Write()]);
        hostile.Door.Device.BoltMovements.ShouldBe(3, "in its own shape one works");
        await FinishAsync(hostile, 3, BoltStatus.Unlocked);
    }

    private async Task FinishAsync(HostileBroker hostile, long movements, BoltStatus status = BoltStatus.Locked)
    {
        await hostile.ShouldHaveMovedNothingAsync(movements, status);
        output.WriteLine($"{hostile.Tries} tries, refused: " + string.Join(", ", Enum.GetValues<Refusal>()
            .Select(r => (Refusal: r, Count: hostile.Door.Device.RefusalsOf(r)))
            .Where(r => r.Count > 0)
            .Select(r => $"{r.Count} {r.Refusal}")));
    }

    private byte[][] Shuffled(IEnumerable<byte[]> payloads, int times)
    {
        var all = Enumerable.Repeat(payloads, times).SelectMany(p => p).ToArray();
        _random.Shuffle(all);
        return all;
    }

    private byte[] RandomBytes(int length)
    {
        var bytes = new byte[length];
        _random.NextBytes(bytes);
        return bytes;
    }

    private static IEnumerable<byte[]> Many(int count, Func<int, byte[]> make) => Enumerable.Range(0, count).Select(make);

    private static IEnumerable<byte[]> BytesFlipped(byte[] genuine) =>
        from at in Enumerable.Range(0, genuine.Length)
        from mask in new byte[] { 0x01, 0x20, 0x80, 0xFF }
        select (byte[])[.. genuine[..at], (byte)(genuine[at] ^ mask), .. genuine[(at + 1)..]];

    private static IEnumerable<byte[]> Cut(byte[] genuine) =>
        Enumerable.Range(0, genuine.Length).SelectMany(n => new[] { genuine[..n], genuine[n..].Length == genuine.Length ? [] : genuine[n..] });

    private static IEnumerable<ForgedCommand> FieldsChanged(ForgedCommand fresh)
    {
        string[] actions = ["LOCK", "unlock", "Unlock", "UNLOCK ", "OPEN", "", "UNLOCK|x", "RESET"];
        return
        [
            .. actions.Select(a => fresh with { Action = a }),
            .. Enumerable.Range(1, 500).Select(i => fresh with { ExpiresAt = fresh.ExpiresAt + (i * i) }),
            .. Enumerable.Range(1, 500).Select(i => fresh with { IssuedAt = fresh.IssuedAt + i }),
            .. Enumerable.Range(1, 200).Select(i => fresh with { IssuedAt = fresh.IssuedAt - i, ExpiresAt = fresh.ExpiresAt + i }),
            .. Enumerable.Range(1, 300).Select(i => fresh with { Id = $"{fresh.Id}{i}" }),
            .. Enumerable.Range(1, 500).Select(_ => fresh with { Signature = ForgedCommand.RandomSignature() }),
            fresh with { Signature = fresh.Signature.ToUpperInvariant() },
            fresh with { Signature = fresh.Signature + " " },
            fresh with { Signature = "" },
            fresh with { Boot = "0123456789abcdef" },
            fresh with { Action = $"UNLOCK|{fresh.Id}", Id = $"{fresh.IssuedAt}" },
            fresh with { Id = $"{fresh.Id}|{fresh.IssuedAt}", IssuedAt = fresh.ExpiresAt },
        ];
    }

    private static IEnumerable<byte[]> ValuesSwapped(ForgedCommand fresh)
    {
        for (var a = 0; a < fresh.Members.Length; a++)
        {
            for (var b = a + 1; b < fresh.Members.Length; b++)
            {
                var members = fresh.Members;
                (members[a].Value, members[b].Value) = (members[b].Value, members[a].Value);
                yield return ForgedCommand.Write(members);
            }
        }
    }

    /// <summary>Rightly signed, but with so much beside it that a small device must not read it: up to nearly its largest packet.</summary>
    private static IEnumerable<byte[]> Oversized(ForgedCommand fresh, byte[] key) =>
        Many(100, i => SignedTooLong(key, ForgedCommand.Write(fresh.Members.SkipLast(1).Append(("x", $"\"{new string('x', 1024 + (i * 600))}\"")))));

    /// <summary>By hand, since the server signs nothing so long.</summary>
    private static byte[] SignedTooLong(byte[] key, byte[] message)
    {
        byte[] signed = [.. "v2|cmd|"u8, .. message.AsSpan()[..^1]];
        return [.. message[..^1], .. Encoding.ASCII.GetBytes($",\"signature\":\"{Convert.ToHexStringLower(HMACSHA256.HashData(key, signed))}\"}}")];
    }

    /// <summary>Rightly signed, most of them: that the server has a bug opens no door either.</summary>
    private static IEnumerable<byte[]> Misshapen(ForgedCommand fresh, byte[] key)
    {
        var members = fresh.Members[..^1];
        yield return ForgedCommand.Sign(key, members.Select(m => m.Name == "device_id" ? ("device", m.Value) : m));
        for (var i = 0; i < members.Length; i++)
        {
            var (name, value) = members[i];
            string[] others = ["null", "true", "0", "-1", "1.5", "1e3", "\"\"", "[]", "{}", $"[{value}]", $"{{\"a\":{value}}}", value.Trim('"') == value ? $"\"{value}\"" : value.Trim('"')];
            foreach (var other in others)
            {
                yield return ForgedCommand.Sign(key, members.Select(m => m.Name == name ? (name, other) : m));
            }

            yield return ForgedCommand.Sign(key, members.Where(m => m.Name != name));
            yield return ForgedCommand.Sign(key, members.Select(m => m.Name == name ? (name.ToUpperInvariant(), value) : m));
        }

        var json = Encoding.UTF8.GetString(fresh.Write());
        foreach (var text in (string[])[$"[{json}]", $"{json}{json}", $"{json}x", $"\uFEFF{json}", json.Replace('"', '\''), json.Replace("}", ",}"), $"/**/{json}", $"\"{json}\""])
        {
            yield return Encoding.UTF8.GetBytes(text);
        }

        yield return ForgedCommand.Write(fresh.Members.Prepend(fresh.Members[^1]).SkipLast(1));
        yield return ForgedCommand.Write(fresh.Members.Append(("x", "1")));
    }

    /// <summary>Two readers could each take another one of two equal names for the signed one.</summary>
    private static IEnumerable<byte[]> Duplicated(ForgedCommand fresh, byte[] key)
    {
        var other = ForgedCommand.Signed(
            new byte[DeviceKeys.KeyBytes], "ESP32-OTHER", "LOCK", "OTHER", fresh.IssuedAt + 1, fresh.ExpiresAt + 1, "0123456789abcdef");
        var (own, others) = (fresh.Members[..^1], other.Members[..^1]);
        return
        [
            .. own.Select(m => ForgedCommand.Sign(key, own.Append(m))),
            .. others.Select(m => ForgedCommand.Sign(key, own.Append(m))),
            .. others.Select(m => ForgedCommand.Sign(key, own.Prepend(m))),
            ForgedCommand.Write(fresh.Members.Append(fresh.Members[^1])),
            ForgedCommand.Write(fresh.Members.Concat(other.Members)),
            ForgedCommand.Write(other.Members.Concat(fresh.Members)),
        ];
    }

    private static string SignatureOf(byte[] payload) => JsonDocument.Parse(payload).RootElement.GetProperty("signature").GetString()!;

    private static byte[] Replace(byte[] payload, string what, string by) =>
        Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(payload).Replace(what, by, StringComparison.Ordinal));
}
