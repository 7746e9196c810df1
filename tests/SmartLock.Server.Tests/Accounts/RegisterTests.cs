using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Accounts;

public sealed class RegisterTests
{
    private const string Path = "/api/auth/register";

    [Fact]
    public async Task A_new_account_is_a_user_and_keeps_its_name_as_it_was_chosen()
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostAsJsonAsync(
            Path, new { username = "Anna.B", password = TestApp.Password, email = "anna@example.org" });

        answer.StatusCode.ShouldBe(HttpStatusCode.Created);
        (await answer.Content.ReadAsStringAsync()).ShouldBe("""{"username":"Anna.B","role":"user"}""");
        var stored = await app.Services.GetRequiredService<IUserStore>().FindAsync("anna.b", default);
        stored!.Email.ShouldBe("anna@example.org");
        stored.PasswordHash.ShouldNotContain(TestApp.Password);
    }

    [Theory]
    [InlineData("ab")]
    [InlineData("")]
    [InlineData("a23456789012345678901234567890123")]
    [InlineData("anna b")]
    [InlineData("anna\u00e9")]
    [InlineData("\u0430nna")]
    [InlineData("\uff41nna")]
    [InlineData("an\u200bna")]
    [InlineData("an\u00adna")]
    [InlineData("\u202eanna")]
    [InlineData("\u0131nga")]
    [InlineData("\u0130nga")]
    [InlineData("\u212aate")]
    [InlineData("ma\u017fter")]
    [InlineData("anna\u0301")]
    [InlineData("\u2170vy")]
    [InlineData("\ud835\udc1anna")]
    [InlineData("anna\u0661")]
    [InlineData("anna@home")]
    [InlineData("device:x")]
    [InlineData("anna\n")]
    [InlineData("...")]
    [InlineData(".anna")]
    [InlineData("-anna")]
    [InlineData("system")]
    [InlineData("SYSTEM")]
    [InlineData("device")]
    [InlineData("admin")]
    [InlineData("Root")]
    public async Task A_username_against_the_rules_is_refused_by_name(string username)
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username, password = TestApp.Password });

        await answer.ShouldBeInvalidAsync("username");
    }

    [Theory]
    [InlineData("short")]
    [InlineData("123456789")]
    [InlineData("password123")]
    [InlineData("PASSWORD123")]
    [InlineData("qwertyuiop")]
    [InlineData("aaaaaaaaaaaaaa")]
    [InlineData("ababababababab")]
    [InlineData("xx-anna.b-xx")]
    [InlineData("ANNA.Banna.b")]
    public async Task A_password_against_the_rules_is_refused_by_name_and_not_repeated(string password)
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "anna.b", password });

        var problem = await answer.ShouldBeInvalidAsync("password");
        problem.ToString().ShouldNotContain(password);
    }

    [Fact]
    public async Task A_password_may_be_128_characters_long_and_no_longer()
    {
        await using var app = await TestApp.StartAsync();
        var longest = string.Concat(Enumerable.Range(0, 128).Select(i => (char)('!' + (i % 90))));

        await app.RegisterUserAsync("anna", longest);
        await app.SignInAsync("anna", longest);
        using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "bert", password = longest + "x" });

        await answer.ShouldBeInvalidAsync("password");
    }

    [Theory]
    [InlineData("")]
    [InlineData("anna")]
    [InlineData("anna@")]
    [InlineData("@example.org")]
    [InlineData("anna@example")]
    [InlineData("a b@example.org")]
    [InlineData("a@b@example.org")]
    [InlineData("anna@example..org")]
    [InlineData("anna\u202e@example.org")]
    [InlineData("anna@example.org\n")]
    public async Task An_email_that_cannot_be_one_is_refused_by_name(string email)
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = TestApp.Password, email });

        await answer.ShouldBeInvalidAsync("email");
    }

    [Fact]
    public async Task An_email_of_more_than_254_characters_is_refused()
    {
        await using var app = await TestApp.StartAsync();
        var email = $"anna@{string.Join('.', Enumerable.Repeat("abcdefghi", 25))}.org";

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "anna", password = TestApp.Password, email });

        await answer.ShouldBeInvalidAsync("email");
    }

    [Fact]
    public async Task All_members_at_fault_are_named_at_once()
    {
        await using var app = await TestApp.StartAsync();

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "a", password = "b", email = "c" });

        await answer.ShouldBeInvalidAsync("username", "password", "email");
    }

    [Fact]
    public async Task A_name_is_given_once_whatever_its_case()
    {
        await using var app = await TestApp.StartAsync();
        await app.RegisterUserAsync("anna");

        using var answer = await app.Http.PostAsJsonAsync(Path, new { username = "ANNA", password = TestApp.Password });

        await answer.ShouldBeProblemAsync(HttpStatusCode.Conflict, "username_taken");
    }

    [Fact]
    public async Task Of_many_who_want_a_name_at_once_one_gets_it()
    {
        await using var app = await TestApp.StartAsync();

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ =>
            app.Http.PostAsJsonAsync(Path, new { username = "anna", password = TestApp.Password })));

        answers.Count(a => a.StatusCode == HttpStatusCode.Created).ShouldBe(1);
        answers.Count(a => a.StatusCode == HttpStatusCode.Conflict).ShouldBe(11);
    }
}
