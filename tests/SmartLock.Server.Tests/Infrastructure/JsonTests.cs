using System.Text.Json;
using SmartLock.Server.Accounts;
using SmartLock.Server.Commands;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class JsonTests
{
    private static readonly JsonSerializerOptions Options = Make();

    [Fact]
    public void Enums_are_written_in_the_products_words()
    {
        object[] values =
        [
            LockStatus.Locked, LockStatus.Unlocked, LockStatus.Unknown, LockState.Available, LockState.Unavailable,
            CommandAction.Lock, CommandAction.Unlock, CommandState.Sent, CommandState.Expired, Role.User, Role.Admin,
        ];

        JsonSerializer.Serialize(values, Options).ShouldBe(
            """["Locked","Unlocked","Unknown","Available","Unavailable","LOCK","UNLOCK","sent","expired","user","admin"]""");
    }

    [Fact]
    public void An_enum_is_not_read_from_a_number() =>
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize<Role>("1", Options));

    [Theory]
    [InlineData("2026-06-01T12:00:00.123Z", "2026-06-01T12:00:00.123Z")]
    [InlineData("2026-06-01T12:00:00Z", "2026-06-01T12:00:00.000Z")]
    [InlineData("2026-06-01T14:00:00.5+02:00", "2026-06-01T12:00:00.500Z")]
    [InlineData("2026-06-01T12:00:00.1234567Z", "2026-06-01T12:00:00.123Z")]
    public void Times_are_read_with_an_offset_and_written_in_utc_with_milliseconds(string read, string written)
    {
        var time = JsonSerializer.Deserialize<DateTimeOffset>($"\"{read}\"", Options);

        JsonSerializer.Serialize(time, Options).ShouldBe($"\"{written}\"");
        TimestampConverter.Format(time).ShouldBe(written);
    }

    [Theory]
    [InlineData("\"2026-06-01T12:00:00\"")]
    [InlineData("\"2026-06-01\"")]
    [InlineData("\"2026-02-30T12:00:00Z\"")]
    [InlineData("\"2026-06-01T25:00:00Z\"")]
    [InlineData("\"2026-06-01 12:00:00Z\"")]
    [InlineData("\" 2026-06-01T12:00:00Z\"")]
    [InlineData("\"June 1st\"")]
    [InlineData("\"\"")]
    [InlineData("1764000000")]
    public void Other_times_are_refused(string json) =>
        Should.Throw<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(json, Options));

    [Fact]
    public void Text_stays_readable() => JsonSerializer.Serialize("Haustür 玄関 <b>", Options).ShouldBe("\"Haustür 玄関 <b>\"");

    private static JsonSerializerOptions Make()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web);
        JsonDefaults.Apply(options);
        return options;
    }
}
