using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Tests.Accounts.BCrypt;

public sealed class BCryptSignInTests
{
    private const string ChooseBCrypt = "--Accounts:PasswordHasher=BCrypt";
    private const string CheapBCrypt = "--Accounts:BCryptCost=10";
    private static readonly string Long = string.Concat(Enumerable.Repeat("abcdefghij", 8));

    /// <summary>Made by Python's bcrypt, which a Flask server uses, and by htpasswd.</summary>
    public static TheoryData<string, string> BroughtAlong => new()
    {
        { TestApp.Password, "$2b$10$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy" },
        { TestApp.Password, "$2a$10$GUdQ1L4M2upIS3zu.VzoReWPNVkIsc4FJpfsVqymYRjS4E9yoBfAK" },
        { TestApp.Password, "$2y$10$UhpQ2X8Zkg2BhDOBHoxzleoD6GLH1t2PJ7jYFMK5WlbgRpKLYRY.S" },
        { "Grüße 🔑 von der Tür", "$2b$10$zD968O1OPKhdhEl/O3fd9eoBvu3J7MULp9S2rkfsFnUAPkw326fwG" },
    };

    [Theory]
    [MemberData(nameof(BroughtAlong))]
    public async Task A_hash_brought_along_signs_in_and_is_renewed_by_the_chosen_hasher(string password, string hash)
    {
        await using var app = await TestApp.StartAsync();
        await CreateAsync(app, "anna", hash);

        (await LogInAsync(app, "anna", password + "!")).ShouldBe(HttpStatusCode.Unauthorized);
        (await HashOfAsync(app, "anna")).ShouldBe(hash);
        (await LogInAsync(app, "anna", password)).ShouldBe(HttpStatusCode.OK);

        PasswordHashes.IsBCrypt(await HashOfAsync(app, "anna")).ShouldBeFalse();
        (await LogInAsync(app, "anna", password)).ShouldBe(HttpStatusCode.OK);
        (await LogInAsync(app, "anna", password + "!")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task New_hashes_are_of_BCrypt_where_it_is_chosen_at_the_cost_that_is_set()
    {
        await using var app = await TestApp.StartAsync(ChooseBCrypt, "--Accounts:BCryptCost=11");

        await app.RegisterUserAsync("anna");

        (await HashOfAsync(app, "anna")).ShouldStartWith("$2b$11$");
        (await LogInAsync(app, "anna", TestApp.Password)).ShouldBe(HttpStatusCode.OK);
        (await LogInAsync(app, "anna", TestApp.Password + "!")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Where_BCrypt_is_chosen_the_others_are_renewed_and_only_they()
    {
        await using var app = await TestApp.StartAsync(ChooseBCrypt, "--Accounts:BCryptCost=11");
        var pbkdf2 = new Microsoft.AspNetCore.Identity.PasswordHasher<User>().HashPassword(null!, TestApp.Password);
        await CreateAsync(app, "anna", pbkdf2);
        await CreateAsync(app, "bert", "$2b$10$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy");

        foreach (var name in (string[])["anna", "bert"])
        {
            (await LogInAsync(app, name, TestApp.Password)).ShouldBe(HttpStatusCode.OK);
            var renewed = await HashOfAsync(app, name);
            renewed.ShouldStartWith("$2b$11$");
            (await LogInAsync(app, name, TestApp.Password)).ShouldBe(HttpStatusCode.OK);
            (await HashOfAsync(app, name)).ShouldBe(renewed);
        }
    }

    [Fact]
    public async Task A_password_that_BCrypt_would_cut_is_hashed_whole()
    {
        await using var app = await TestApp.StartAsync(ChooseBCrypt, CheapBCrypt);
        await app.RegisterUserAsync("anna", Long);

        PasswordHashes.IsBCrypt(await HashOfAsync(app, "anna")).ShouldBeFalse();
        (await LogInAsync(app, "anna", Long)).ShouldBe(HttpStatusCode.OK);
        (await LogInAsync(app, "anna", Long[..72])).ShouldBe(HttpStatusCode.Unauthorized);
        (await LogInAsync(app, "anna", Long[..72] + "zzzzzzzz")).ShouldBe(HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task One_that_was_cut_elsewhere_signs_in_and_is_whole_from_then_on()
    {
        await using var app = await TestApp.StartAsync(ChooseBCrypt, CheapBCrypt);
        await CreateAsync(app, "anna", "$2b$10$kX8ewN71WooZsCQWcTh6iuMGcohfHjt9suamdIzJ3l5Rz/gFIlUBi");

        (await LogInAsync(app, "anna", Long)).ShouldBe(HttpStatusCode.OK);

        PasswordHashes.IsBCrypt(await HashOfAsync(app, "anna")).ShouldBeFalse();
        (await LogInAsync(app, "anna", Long[..72])).ShouldBe(HttpStatusCode.Unauthorized);
        (await LogInAsync(app, "anna", Long)).ShouldBe(HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("$2b$31$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy")]
    [InlineData("$2b$15$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy")]
    [InlineData("$2b$03$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy")]
    [InlineData("$2b$10$short")]
    [InlineData("$2x$10$HDwDgDpgaP7rlSJcIABtxenOw8Xl40zmLHorK1R7ZlTj9NoFISXWy")]
    [InlineData("$2")]
    public async Task One_that_nobody_should_compute_is_a_wrong_password_at_once(string hash)
    {
        await using var app = await TestApp.StartAsync();
        await CreateAsync(app, "anna", hash);

        (await LogInAsync(app, "anna", TestApp.Password).WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe(HttpStatusCode.Unauthorized);

        app.Logs.All.Count(l => l.Text.Contains("stored password hash", StringComparison.Ordinal)).ShouldBe(1);
        app.Logs.All.ShouldAllBe(l => !l.Text.Contains(hash, StringComparison.Ordinal) || hash.Length < 4);
    }

    [Fact]
    public void A_well_formed_one_throws_at_nothing_that_a_password_may_hold()
    {
        using var services = new ServiceCollection().AddSingleton(Microsoft.Extensions.Options.Options.Create(new AccountOptions())).BuildServiceProvider();
        var hasher = ActivatorUtilities.CreateInstance<SmartLock.Server.Accounts.BCrypt.VersionedPasswordHasher>(
            services, new Microsoft.AspNetCore.Identity.PasswordHasher<User>());
        const string Alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        string[] passwords = ["", "\0", "\ud800", "a\udc00b", new string('ü', 128)];

        for (var i = 0; i < 100; i++)
        {
            var hash = $"$2{"aby"[i % 3]}$04${new string(Random.Shared.GetItems<char>(Alphabet, 53))}";
            PasswordHashes.WhyUnreadable(hash).ShouldBeNull();
            hasher.VerifyHashedPassword(null!, hash, passwords[i % passwords.Length])
                .ShouldBe(Microsoft.AspNetCore.Identity.PasswordVerificationResult.Failed, hash);
        }
    }

    private static async Task CreateAsync(TestApp app, string name, string hash)
    {
        var user = new User(name, null, hash, Role.User, DateTimeOffset.UnixEpoch, Disabled: false);
        await app.Services.GetRequiredService<IUserStore>().CreateAsync(user, name, default);
    }

    private static async Task<string> HashOfAsync(TestApp app, string name) =>
        (await app.Services.GetRequiredService<IUserStore>().FindAsync(name, default))!.PasswordHash;

    private static async Task<HttpStatusCode> LogInAsync(TestApp app, string username, string password)
    {
        using var answer = await app.Http.PostAsJsonAsync("/api/auth/login", new { username, password });
        return answer.StatusCode;
    }
}
