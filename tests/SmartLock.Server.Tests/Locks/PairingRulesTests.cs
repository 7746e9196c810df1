using Microsoft.AspNetCore.Http;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Locks;

namespace SmartLock.Server.Tests.Locks;

public sealed class PairingRulesTests
{
    private static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Codes_are_four_groups_of_four_and_never_the_same()
    {
        var codes = Enumerable.Range(0, 1_000).Select(_ => ClaimCode.New()).ToList();

        codes.ShouldAllBe(code => System.Text.RegularExpressions.Regex.IsMatch(code, "^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$"));
        codes.ShouldBeUnique();
    }

    [Theory]
    [InlineData("01AB-CDEF-GHJK-MNPQ")]
    [InlineData("01abcdefghjkmnpq")]
    [InlineData("oIab cdef ghjk mnpq")]
    [InlineData(" OLAB--CDEFGHJK-MNP-Q ")]
    public void A_code_may_be_typed_as_people_type(string typed) => ClaimCode.HashOf(typed).ShouldBe(ClaimCode.HashOf("01AB-CDEF-GHJK-MNPQ"));

    [Theory]
    [InlineData("")]
    [InlineData("01AB-CDEF-GHJK-MNP")]
    [InlineData("01AB-CDEF-GHJK-MNPQR")]
    [InlineData("U1AB-CDEF-GHJK-MNPQ")]
    [InlineData("\u00e41AB-CDEF-GHJK-MNPQ")]
    [InlineData("0_1A-CDEF-GHJK-MNPQ")]
    [InlineData("01AB-CDEF-GHJK-MNPQ---------------------------------------------------")]
    public void What_can_be_no_code_has_no_hash(string typed) => ClaimCode.HashOf(typed).ShouldBeNull();

    [Fact]
    public void One_wrong_character_makes_another_hash() =>
        ClaimCode.HashOf("01AB-CDEF-GHJK-MNPR")!.ShouldNotBe(ClaimCode.HashOf("01AB-CDEF-GHJK-MNPQ")!);

    [Theory]
    [InlineData(0, 0, true)]
    [InlineData(-1, 0, true)]
    [InlineData(30 * 86_400_000L, 0, false)]
    [InlineData((30 * 86_400_000L) - 1, 9, true)]
    [InlineData(0, 1_000, true)]
    public void A_device_waits_until_its_time_is_over_however_many_codes_are_tried(long afterMs, int wrongCodes, bool open) =>
        PairingRules.IsOpen(new Pairing("D1", false, Noon, Noon.AddDays(30), wrongCodes), Noon.AddMilliseconds(afterMs)).ShouldBe(open);

    [Fact]
    public void A_request_without_a_host_makes_no_address_and_no_error() =>
        new ServerOptions().AddressFor(new DefaultHttpContext { Request = { Scheme = "http" } }.Request).ShouldBeNull();

    [Fact]
    public void The_QR_text_holds_all_that_a_phone_needs() =>
        PairingRules.QrText(new Uri("https://locks.example.org/door/"), "AA:BB", "01AB-CDEF-GHJK-MNPQ")
            .ShouldBe("smartlock://pair?v=1&server=https%3A%2F%2Flocks.example.org%2Fdoor&device_id=AA%3ABB&code=01AB-CDEF-GHJK-MNPQ");

    [Theory]
    [InlineData(null, null, null, "")]
    [InlineData("ada", "Front door", null, "")]
    [InlineData(null, null, 1, "")]
    [InlineData(null, null, 365, "")]
    [InlineData("ada", null, null, "name")]
    [InlineData("ada", " ", null, "name")]
    [InlineData(null, "Front door", null, "name")]
    [InlineData(null, null, 0, "expires_days")]
    [InlineData(null, null, 366, "expires_days")]
    [InlineData("ada", "Front door", 30, "expires_days")]
    public void A_device_has_an_owner_with_a_name_for_it_or_waits(string? owner, string? name, int? days, string members) =>
        string.Join(' ', PairingRules.Check(new DevicePreparation.Request("D1", false, owner, name, days), allowUnsigned: false).Keys).ShouldBe(members);

    [Fact]
    public void Unsigned_devices_need_the_operators_leave()
    {
        var request = new DevicePreparation.Request("D/1", Unsigned: true);
        PairingRules.Check(request, allowUnsigned: false).Keys.ShouldBe(["device_id", "unsigned"]);
        PairingRules.Check(request with { DeviceId = "D1" }, allowUnsigned: true).ShouldBeEmpty();
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData(-10, null, true)]
    [InlineData(10, null, true)]
    [InlineData(null, 1, true)]
    [InlineData(5, 6, true)]
    [InlineData(-5, 1, true)]
    [InlineData(null, 0, false)]
    [InlineData(null, -1, false)]
    [InlineData(5, 5, false)]
    [InlineData(6, 5, false)]
    public void A_share_ends_after_it_begins_and_not_yet(int? from, int? until, bool accepted) =>
        (ShareRules.Check(At(from), At(until), Noon).Count == 0).ShouldBe(accepted);

    private static DateTimeOffset? At(int? minutes) => minutes is { } number ? Noon.AddMinutes(number) : null;
}
