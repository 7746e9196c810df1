using System.Text;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Accounts;

public sealed class TotpTests
{
    private static readonly byte[] Secret = Encoding.ASCII.GetBytes("12345678901234567890");

    /// <summary>RFC 6238, appendix B, for SHA-1; the last six of its eight digits.</summary>
    [Theory]
    [InlineData(59, "287082")]
    [InlineData(1111111109, "081804")]
    [InlineData(1111111111, "050471")]
    [InlineData(1234567890, "005924")]
    [InlineData(2000000000, "279037")]
    [InlineData(20000000000, "353130")]
    public void Codes_of_the_RFCs_test_vectors_are_accepted(long unixSeconds, string code)
    {
        var time = DateTimeOffset.FromUnixTimeSeconds(unixSeconds);

        Authenticator.CodeAt(Secret, Authenticator.StepAt(time)).ShouldBe(code);
        Totp.Match(Secret, code, time).ShouldBe(Authenticator.StepAt(time));
    }

    [Theory]
    [InlineData(-2, false)]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(2, false)]
    public void A_code_is_accepted_one_step_early_or_late(int steps, bool good)
    {
        var now = DateTimeOffset.FromUnixTimeSeconds(1111111111);
        var step = Authenticator.StepAt(now) + steps;

        Totp.Match(Secret, Authenticator.CodeAt(Secret, step), now).ShouldBe(good ? step : null);
    }

    [Theory]
    [InlineData("")]
    [InlineData("50471")]
    [InlineData("050471 ")]
    [InlineData("0050471")]
    [InlineData("\u0660\u0665\u0660\u0664\u0667\u0661")]
    [InlineData("\ud800")]
    public void A_text_that_only_resembles_the_code_is_refused(string code) =>
        Totp.Match(Secret, code, DateTimeOffset.FromUnixTimeSeconds(1111111111)).ShouldBeNull();

    /// <summary>RFC 4648: the alphabet is A to Z, 2 to 7, and 20 bytes need no padding.</summary>
    [Fact]
    public void The_secret_is_written_in_base_32_without_padding() =>
        Totp.TextOf(Secret).ShouldBe("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");

    [Fact]
    public void Recovery_codes_are_read_as_people_write_them()
    {
        var codes = RecoveryCodes.NewSet();
        codes.Count.ShouldBe(RecoveryCodes.Count);
        codes.ShouldBeUnique();
        foreach (var code in codes)
        {
            code.ShouldMatch("^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$");
            var hash = RecoveryCodes.HashOf(code)!;
            RecoveryCodes.HashOf(code.ToLowerInvariant().Replace('-', ' '))!.ShouldBe(hash);
            RecoveryCodes.HashOf(code.Replace('0', 'o').Replace('1', 'l'))!.ShouldBe(hash);
        }

        RecoveryCodes.HashOf(codes[0][1..]).ShouldBeNull();
        RecoveryCodes.HashOf(new string('A', 10_000)).ShouldBeNull();
        RecoveryCodes.HashOf("").ShouldBeNull();
    }
}
