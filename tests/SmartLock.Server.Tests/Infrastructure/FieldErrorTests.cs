using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using SmartLock.Server.Accounts;
using SmartLock.Server.Locks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Infrastructure;

/// <summary>A refused member is named with what it must be, and the same limits stand in the OpenAPI document.</summary>
public sealed class FieldErrorTests
{
    [Theory]
    [InlineData("/api/locks/D1/shares", """{"username":"bob","role":"owner"}""", "role", "must be viewer or operator")]
    [InlineData("/api/locks/D1/shares", """{"username":"bob","role":"viewer","until":"tomorrow"}""", "until", "must be a time with an offset, such as 2026-06-01T12:00:00Z")]
    [InlineData("/api/locks", """{"device_id":"D1","name":"Door","unsigned":"yes"}""", "unsigned", "must be true or false")]
    [InlineData("/api/locks", """{"device_id":"D1","name":7}""", "name", "must be a text")]
    [InlineData("/api/locks", """{"device_id":"-D1","name":"Door"}""", "device_id", LockRules.DeviceIdRule)]
    [InlineData("/api/locks", """{"device_id":"D1","name":" "}""", "name", "is required")]
    [InlineData("/api/locks", """{"device_id":"D1","name":"Door","colour":"red"}""", "colour", "is not a member of this request")]
    [InlineData("/api/webhooks", """{"url":"https://example.org","events":"lock"}""", "events", "must be a list of texts")]
    [InlineData("/api/webhooks", """{"url":"https://example.org","events":[]}""", "events", "must name some of lock, command, each once")]
    [InlineData("/api/auth/register", """{"username":"ab","password":"a long passphrase 1"}""", "username", "must have 3 to 32 characters")]
    [InlineData("/api/auth/register", """{"username":"abc","password":"short"}""", "password", "must have at least 10 characters")]
    [InlineData("/api/auth/register", """{"username":"abc","password":"a long passphrase 1","email":"nowhere"}""", "email", "is not an e-mail address")]
    public async Task A_refused_member_is_named_with_what_it_must_be(string path, string body, string member, string message)
    {
        await using var app = await TestApp.StartAsync();
        var owner = await app.OwnerAsync();

        using var answer = await owner.Http.PostTextAsync(path, body);

        await answer.ShouldBeInvalidAsync(member);
        (await answer.JsonAsync()).GetProperty("errors").GetProperty(member)[0].GetString().ShouldBe(message);
    }

    [Theory]
    [InlineData("/api/locks")]
    [InlineData("/api/logs")]
    [InlineData("/api/webhooks")]
    [InlineData("/api/admin/locks")]
    [InlineData("/api/admin/users")]
    [InlineData("/api/admin/logs")]
    [InlineData("/api/admin/devices")]
    public async Task A_page_has_1_to_100_items(string list)
    {
        await using var app = await TestApp.StartAsync();
        var admin = await app.AdminAsync();
        foreach (var limit in (int[])[0, -1, 101])
        {
            using var refused = await admin.Http.GetAsync($"{list}?limit={limit}");
            await refused.ShouldBeInvalidAsync("limit");
        }

        foreach (var limit in (int[])[1, 100])
        {
            (await admin.Http.GetFromJsonAsync<JsonElement>($"{list}?limit={limit}")).TryGetProperty("items", out _).ShouldBeTrue();
        }
    }

    [Fact]
    public void The_documented_patterns_accept_what_the_rules_accept()
    {
        var texts = new List<string> { "", "a", "A.b_c-d:e", "-a", "é", "a b", "a/b", new('x', 2), new('x', 3), new('x', 32), new('x', 33), new('x', 64), new('x', 65), "a\n", "0" };
        var random = new SeededRandom(17);
        texts.AddRange(Enumerable.Range(0, 2_000).Select(_ => random.Text(70)));
        foreach (var text in texts)
        {
            // ECMA 262, which OpenAPI's patterns are of, has no final line break that $ would pass over.
            Matches(LockRules.DeviceIdPattern, text).ShouldBe(LockRules.IsDeviceId(text), text);
            Matches(AccountRules.UsernamePattern, text).ShouldBe(AccountRules.IsUsername(text), text);
        }

        static bool Matches(string pattern, string text) => Regex.IsMatch(text, pattern, RegexOptions.ECMAScript) && !text.EndsWith('\n');
    }

    [Fact]
    public void The_document_holds_the_limits()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(SourceTree.Root, "docs/openapi.json")));
        var schemas = document.RootElement.GetProperty("components").GetProperty("schemas");
        JsonElement Member(string schema, string member) => schemas.GetProperty(schema).GetProperty("properties").GetProperty(member);
        Member("RegisterLockRequest", "device_id").GetProperty("pattern").GetString().ShouldBe(LockRules.DeviceIdPattern);
        Member("RegisterLockRequest", "name").GetProperty("maxLength").GetInt32().ShouldBe(LockRules.MaxNameLength);
        Member("RegisterRequest", "password").GetProperty("minLength").GetInt32().ShouldBe(AccountRules.MinPasswordLength);
        Member("CreateWebhookRequest", "events").GetProperty("minItems").GetInt32().ShouldBe(1);
        Member("AddDeviceRequest", "expires_days").GetProperty("maximum").GetInt32().ShouldBe(PairingRules.MaxDays);
    }

    /// <summary>Texts of few kinds of characters, so that many are accepted; the same in each run.</summary>
    private sealed class SeededRandom(uint state)
    {
        private const string Alphabet = "abzABZ019._:-/ \u00e9";

        public string Text(int maxLength) => new([.. Enumerable.Range(0, Next(maxLength)).Select(_ => Alphabet[Next(Alphabet.Length)])]);

        private int Next(int below)
        {
            state = (state * 1_664_525) + 1_013_904_223;
            return (int)((state >> 8) % (uint)below);
        }
    }
}
