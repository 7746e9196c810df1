using System.Net;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Accounts;

public sealed class SigningKeyTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-key-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Tokens_outlive_a_restart()
    {
        SignedIn owner;
        await using (var first = await TestApp.StartAsync($"--Data:Folder={_folder}"))
        {
            owner = await first.OwnerAsync();
        }

        await using var second = await TestApp.StartAsync($"--Data:Folder={_folder}");

        using var answer = await second.SignedInWith(owner.Username, owner.Token).Http.GetAsync("/api/me");
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    [Fact]
    public async Task What_the_data_folder_holds_is_readable_by_its_owner_only()
    {
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        var folder = Path.Combine(_folder, "new");
        await using var app = await TestApp.StartAsync($"--Data:Folder={folder}");

        const UnixFileMode OthersMay = ~(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        (File.GetUnixFileMode(folder) & OthersMay).ShouldBe(UnixFileMode.None);
        (File.GetUnixFileMode(Path.Combine(folder, "keys")) & OthersMay).ShouldBe(UnixFileMode.None);
        File.GetUnixFileMode(Path.Combine(folder, "jwt-signing.key")).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    [Fact]
    public async Task Of_many_first_starts_at_once_all_have_the_same_key_and_leave_nothing_behind()
    {
        var path = Path.Combine(_folder, "a.key");
        var made = 0;

        var read = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => Task.Run(() =>
            PrivateFile.ReadOrCreate(path, () => $"key {Interlocked.Increment(ref made)}"))));

        read.Distinct().Count().ShouldBe(1);
        Directory.GetFiles(_folder).ShouldBe([path]);
    }

    [Theory]
    [InlineData("not base64!")]
    [InlineData("c2hvcnQ=")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0")]
    public async Task A_weak_key_ends_the_start_with_a_sentence_that_does_not_repeat_it(string key)
    {
        var failure = await Should.ThrowAsync<OptionsValidationException>(() => TestApp.StartAsync($"--Jwt:SigningKey={key}"));

        failure.Message.ShouldStartWith("Jwt:SigningKey ");
        failure.Message.ShouldNotContain(key);
    }

    [Fact]
    public async Task A_key_file_that_was_spoilt_ends_the_start_with_its_name()
    {
        var path = Path.Combine(_folder, "jwt-signing.key");
        await File.WriteAllTextAsync(path, "spoilt");

        var failure = await Should.ThrowAsync<StartupException>(() => TestApp.StartAsync($"--Data:Folder={_folder}"));

        failure.Message.ShouldContain(path);
        failure.Message.ShouldNotContain("spoilt");
    }

    [Fact]
    public void A_random_key_is_never_called_weak()
    {
        for (var i = 0; i < 2000; i++)
        {
            var text = Convert.ToBase64String(System.Security.Cryptography.RandomNumberGenerator.GetBytes(32));
            ServerKey.Decode(text).ShouldNotBeNull(text);
        }
    }
}
