using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Server.Heartbeats;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>Nobody but a lock itself can say how it is: not with made-up words, not with its own words said again.</summary>
public sealed class StatusAttackTests(ITestOutputHelper output)
{
    [Fact]
    public async Task What_another_device_makes_up_about_a_lock_is_dropped_whatever_it_is_signed_with()
    {
        await using var siege = await StatusSiege.StartAsync();
        await siege.LiveAWhileAsync(3);
        var known = await siege.KnownAsync();
        var id = siege.Victim.DeviceId;

        (await StatusSiege.PublishAsync(siege.Mallory, Topics.Status, Unsigned(siege, 400))).ShouldBe(400);
        (await StatusSiege.PublishAsync(siege.Mallory, Topics.StatusOf(StatusSiege.MalloryId), Unsigned(siege, 400))).ShouldBe(400);
        (await StatusSiege.PublishAsync(siege.Mallory, Topics.Status, Signed(siege, siege.MalloryKey, 400))).ShouldBe(400);
        (await StatusSiege.PublishAsync(siege.Mallory, Topics.Status, Signed(siege, siege.Victim.Key, 400))).ShouldBe(400);
        (await StatusSiege.PublishAsync(siege.Mallory, Topics.Status, Many(100, i => RandomNumberGenerator.GetBytes(i * 10)))).ShouldBe(100);

        await Eventually.TrueAsync(() => siege.Dropped.Values.Sum() == 1700, "all were judged");
        (await siege.KnownAsync()).ShouldBe(known);
        siege.Dropped.ShouldBe(new Dictionary<string, long> { ["foreign_login"] = 1600, ["malformed"] = 100 }, ignoreOrder: true);
        known.ShouldContain(id);
        await FinishAsync(siege);
    }

    [Fact]
    public async Task What_an_outside_broker_makes_up_about_a_lock_is_dropped_and_counted_by_reason()
    {
        await using var siege = await StatusSiege.StartAsync();
        await siege.LiveAWhileAsync(3);
        var known = await siege.KnownAsync();

        var sent = siege.SayOutside(Unsigned(siege, 800));
        sent += siege.SayOutside(Signed(siege, new byte[32], 400));
        sent += siege.SayOutside(Signed(siege, siege.MalloryKey, 400));
        sent += siege.SayOutside(Many(100, i => RandomNumberGenerator.GetBytes(i * 10)));
        sent += siege.SayOutside(Many(100, i => Utf8($$"""{"device_id":"NOBODY{{i}}","status":"Unlocked"}""")));

        await Eventually.TrueAsync(() => siege.Dropped.Values.Sum() == sent, "all were judged");
        (await siege.KnownAsync()).ShouldBe(known);
        siege.Dropped.ShouldBe(new Dictionary<string, long>
        {
            ["unproven"] = 800,
            ["bad_signature"] = 800,
            ["malformed"] = 100,
            ["unknown_device"] = 100,
        }, ignoreOrder: true);
        await FinishAsync(siege);
    }

    [Fact]
    public async Task A_locks_own_words_said_again_or_bent_change_nothing()
    {
        await using var siege = await StatusSiege.StartAsync();
        await siege.LiveAWhileAsync(4);
        await siege.CutPowerAsync();
        await siege.ReturnAsync();
        await siege.LiveAWhileAsync(4);
        var known = await siege.KnownAsync();

        var sent = await ReplayAllAsync(siege);

        await Eventually.TrueAsync(() => siege.Dropped.Values.Sum() == sent, "all were judged");
        (await siege.KnownAsync()).ShouldBe(known);
        siege.Dropped["replayed"].ShouldBeGreaterThan(200);
        siege.Dropped["old_connection"].ShouldBeGreaterThan(0);
        siege.Dropped["bad_signature"].ShouldBeGreaterThan(200);
        await FinishAsync(siege);
    }

    [Fact]
    public async Task A_lock_that_is_gone_cannot_be_made_to_look_alive_nor_gone_again_once_it_is_back()
    {
        await using var siege = await StatusSiege.StartAsync();
        await siege.LiveAWhileAsync(4);
        await siege.CutPowerAsync();
        var gone = await siege.KnownAsync();
        var before = siege.Judged;

        var sent = await ReplayAllAsync(siege);
        sent += siege.SayOutside(Unsigned(siege, 200));
        await Eventually.TrueAsync(() => siege.Judged == before + sent, "all were judged");

        // The will of the last connection is believed each time, and says what is known already.
        (await siege.KnownAsync()).ShouldBe(gone);
        siege.Dropped["replayed"].ShouldBeGreaterThan(100);
        await siege.ReturnAsync();
        var back = await siege.KnownAsync();
        siege.SayOutside(siege.Wills);
        (await siege.KnownAsync()).ShouldBe(back);
        await FinishAsync(siege);
    }

    [Fact]
    public async Task A_last_will_is_no_way_around()
    {
        await using var siege = await StatusSiege.StartAsync();
        await siege.LiveAWhileAsync(1);
        var known = await siege.KnownAsync();
        var will = Utf8($$"""{"device_id":"{{siege.Victim.DeviceId}}","state":"Unavailable"}""");
        TestMqttClient WithWill(string topic, bool retain) => Login.Client(
            siege.App,
            StatusSiege.MalloryId,
            Signatures.MqttPassword(siege.MalloryKey, StatusSiege.MalloryId),
            o => o.WithWillTopic(topic).WithWillPayload(will).WithWillRetain(retain));

        await using var onTheirs = WithWill(Topics.StatusOf(siege.Victim.DeviceId), retain: false);
        (await onTheirs.TryConnectAsync()).ShouldBe(MqttReasonCode.NotAuthorized);
        await using var kept = WithWill(Topics.Status, retain: true);
        (await kept.TryConnectAsync()).IsFailure().ShouldBeTrue();
        await using var onOwn = WithWill(Topics.Status, retain: false);
        await onOwn.ConnectAsync();
        onOwn.Abort();

        await Eventually.TrueAsync(() => siege.Dropped.GetValueOrDefault("foreign_login") == 1, "the will was judged");
        (await siege.KnownAsync()).ShouldBe(known);
        await FinishAsync(siege);
    }

    [Fact]
    public async Task An_outside_brokers_word_counts_for_nothing_that_was_not_signed()
    {
        await using var siege = await StatusSiege.StartAsync();
        await siege.LiveAWhileAsync(1);
        var ingest = siege.App.Services.GetRequiredService<StatusIngest>();
        var (id, key) = (siege.Victim.DeviceId, siege.Victim.Key);
        var sentAt = siege.Clock.GetUtcNow().ToUnixTimeMilliseconds() + 1000;
        var known = await siege.KnownAsync();
        var status = Sign(key, Signatures.ForStatus, $$"""{"device_id":"{{id}}","status":"Unknown","sent_at":{{sentAt}},"connected_at":{{sentAt}}""");

        // Retained: it may be of any age. Then the same, fresh, with a word slipped in.
        ingest.Accept(status, retained: true, login: null);
        ingest.Accept(Utf8(Encoding.UTF8.GetString(status).Replace("\"sent_at\"", "\"state\":\"Unlocked\",\"sent_at\"", StringComparison.Ordinal)), retained: false, login: null);
        await Eventually.TrueAsync(() => siege.Dropped.Values.Sum() == 2, "both were judged");
        (await siege.KnownAsync()).ShouldBe(known);
        siege.Dropped.ShouldBe(new Dictionary<string, long> { ["retained"] = 1, ["bad_signature"] = 1 }, ignoreOrder: true);
        ingest.Accept(status, retained: false, login: null);

        await siege.KnownAsync();
        (await siege.Victim.ReadAsync()).GetProperty("status").GetString().ShouldBe("Unknown", "that is what the lock signed");
    }

    /// <summary>As from an outside broker, and from Mallory's login, on all topics he may and may not use.</summary>
    /// <returns>How many were heard.</returns>
    private static async Task<int> ReplayAllAsync(StatusSiege siege)
    {
        var (mallory, theirs) = (siege.Mallory, Topics.StatusOf(siege.Victim.DeviceId));
        var (statuses, wills) = (siege.Statuses, siege.Wills);
        var many = Enumerable.Repeat(statuses, 20).SelectMany(s => s).Concat(Enumerable.Repeat(wills, 20).SelectMany(w => w)).ToList();
        var bent = statuses.TakeLast(1).Concat(wills.TakeLast(1)).SelectMany(BytesFlipped).ToList();

        var sent = siege.SayOutside(many) + siege.SayOutside(bent) + siege.SayOutside(wills.SelectMany(MovedToOtherConnections));
        sent += await StatusSiege.PublishAsync(mallory, Topics.Status, many);
        sent += await StatusSiege.PublishAsync(mallory, Topics.StatusOf(StatusSiege.MalloryId), many);
        sent.ShouldBe((3 * many.Count) + bent.Count + (wills.Count * 100));

        // Without an acknowledgement nobody is told of a refusal: those only seem to be taken.
        (await StatusSiege.PublishAsync(mallory, theirs, many)).ShouldBeLessThanOrEqualTo((many.Count / 4) + 1);
        (await StatusSiege.PublishAsync(mallory, Topics.Status, many, retain: true)).ShouldBeLessThanOrEqualTo((many.Count / 4) + 1);
        return sent;
    }

    private async Task FinishAsync(StatusSiege siege)
    {
        await siege.ShouldStillWorkAsync();
        output.WriteLine("dropped: " + string.Join(", ", siege.Dropped.OrderBy(d => d.Key).Select(d => $"{d.Value} {d.Key}")));
    }

    private static IEnumerable<byte[]> Unsigned(StatusSiege siege, int count) => Many(count, i => (i % 4) switch
    {
        0 => Utf8($$"""{"device_id":"{{siege.Victim.DeviceId}}","status":"{{(i % 8 == 0 ? "Locked" : "Unlocked")}}"}"""),
        1 => Utf8($$"""{"device":"{{siege.Victim.DeviceId}}","status":"Online","state":"Unlocked"}"""),
        2 => Utf8($$"""{"device_id":"{{siege.Victim.DeviceId}}","state":"Unavailable","connected_at":{{Number(siege.Clock.GetUtcNow().ToUnixTimeMilliseconds() - i)}}}"""),
        _ => Utf8($$"""{"device_id":"{{siege.Victim.DeviceId}}","status":"Locked","issue":"Jammed","sent_at":{{Number(long.MaxValue - i)}},"command_id":"C{{i}}","result":"done","topics":"shared"}"""),
    });

    private static IEnumerable<byte[]> Signed(StatusSiege siege, byte[] key, int count) => Many(count, i =>
    {
        var (id, sentAt) = (siege.Victim.DeviceId, siege.Clock.GetUtcNow().ToUnixTimeMilliseconds() + i);
        return i % 4 == 0
            ? Sign(key, Signatures.ForWill, $$"""{"device_id":"{{id}}","state":"Unavailable","connected_at":{{sentAt}}""")
            : Sign(key, Signatures.ForStatus, $$"""{"device_id":"{{id}}","status":"Unlocked","sent_at":{{sentAt}},"connected_at":{{sentAt}}""");
    });

    private static byte[] Sign(byte[] key, ReadOnlySpan<byte> purpose, string members) => Signatures.Sign(key, purpose, Utf8(members));

    private static IEnumerable<byte[]> BytesFlipped(byte[] genuine) =>
        from at in Enumerable.Range(0, genuine.Length)
        from mask in new byte[] { 0x01, 0x20, 0x80 }
        select (byte[])[.. genuine[..at], (byte)(genuine[at] ^ mask), .. genuine[(at + 1)..]];

    /// <summary>With its signature, but for connections around its own.</summary>
    private static IEnumerable<byte[]> MovedToOtherConnections(byte[] will)
    {
        var connectedAt = JsonDocument.Parse(will).RootElement.GetProperty("connected_at").GetInt64();
        return Many(100, i => Utf8(Encoding.UTF8.GetString(will).Replace(Number(connectedAt), Number(connectedAt + ((i + 1) * 100)), StringComparison.Ordinal)));
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);

    private static IEnumerable<byte[]> Many(int count, Func<int, byte[]> make) => Enumerable.Range(0, count).Select(make);
}
