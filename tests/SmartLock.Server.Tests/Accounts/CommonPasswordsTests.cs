using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Accounts;

public sealed class CommonPasswordsTests
{
    [Theory]
    [InlineData("qwertyuiop")]
    [InlineData("1q2w3e4r5t")]
    [InlineData("smartlock1234")]
    [InlineData("trustno1trustno1")]
    [InlineData("QwertyUIOP")]
    [InlineData("changeme12")]
    public void A_listed_password_is_common_in_any_case(string password) => CommonPasswords.Contains(password).ShouldBeTrue();

    [Theory]
    [InlineData("butterfly2031")]
    [InlineData("Liverpool!")]
    [InlineData("Michael-99")]
    [InlineData("password2031!")]
    [InlineData("basketball1!")]
    public void A_listed_password_with_a_year_or_punctuation_behind_it_is_common(string password) =>
        CommonPasswords.Contains(password).ShouldBeTrue();

    [Theory]
    [InlineData("correct horse battery")]
    [InlineData("liverpool-72918")]
    [InlineData("liverpoolx")]
    [InlineData("2031 liverpool")]
    [InlineData("7391846205#")]
    [InlineData("")]
    [InlineData("!")]
    public void Another_password_is_not(string password) => CommonPasswords.Contains(password).ShouldBeFalse();

    [Fact]
    public void There_are_ten_thousand()
    {
        using var stream = typeof(CommonPasswords).Assembly.GetManifestResourceStream("common-passwords.txt")!;
        using var reader = new StreamReader(stream);
        var listed = reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(line => line[0] != '#').ToList();

        listed.Count.ShouldBe(10_000);
        listed.ShouldBeUnique();
        listed.ShouldAllBe(password => CommonPasswords.Contains(password));
        listed.ShouldAllBe(password => password.Length >= 6 && password == password.Trim() && !password.Any(char.IsUpper));
    }
}
