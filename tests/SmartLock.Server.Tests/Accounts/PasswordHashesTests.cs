using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Accounts;

public sealed class PasswordHashesTests
{
    private const string Fine = "$2b$12$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy";

    [Fact]
    public void Identitys_own_and_BCrypts_are_readable()
    {
        var own = new Microsoft.AspNetCore.Identity.PasswordHasher<User>().HashPassword(null!, TestApp.Password);

        PasswordHashes.WhyUnreadable(own).ShouldBeNull();
        PasswordHashes.WhyUnreadable(Fine).ShouldBeNull();
        PasswordHashes.CostOf(Fine).ShouldBe(12);
    }

    [Theory]
    [InlineData("")]
    [InlineData("nonsense!")]
    [InlineData("AQ==")]
    [InlineData("/////w==")]
    [InlineData("scrypt:32768:8:1$salt$00ff")]
    [InlineData("$2b$12$short")]
    [InlineData("$2b$12$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy\n")]
    [InlineData("$2b$1x$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy")]
    [InlineData("$2b$31$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy")]
    public void Others_are_not_and_say_why(string hash) => PasswordHashes.WhyUnreadable(hash).ShouldNotBeNullOrEmpty();

    [Fact]
    public void One_of_PBKDF2_that_asks_for_too_much_work_is_not()
    {
        var bytes = new byte[61];
        bytes[0] = 1;
        bytes.AsSpan(5, 4).Fill(0x7F);

        PasswordHashes.WhyUnreadable(Convert.ToBase64String(bytes))!.ShouldContain("rounds");
    }
}
