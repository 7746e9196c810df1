using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Contract;

/// <summary>Every operation that wants a token, with every kind of token that is none.</summary>
public sealed class TokenContractTests
{
    private static readonly string[] Settings = ["--Original:Enabled=true"];

    [Fact]
    public async Task No_operation_takes_a_token_that_is_none()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock, settings: Settings);
        var expired = (await app.AdminAsync("boss1")).Token;
        clock.Advance(TimeSpan.FromMinutes(16));
        var good = (await app.AdminAsync("boss2")).Token;
        var signedOut = await app.AdminAsync("boss3");
        (await signedOut.Http.PostAsync("/api/auth/logout", null)).StatusCode.ShouldBe(HttpStatusCode.NoContent);
        var tokens = new Dictionary<string, string?>
        {
            ["none"] = null,
            ["empty"] = "",
            ["garbage"] = "a.b.c",
            ["unsigned"] = Unsigned(good),
            ["unsigned, with the old signature"] = Unsigned(good) + good.Split('.')[2],
            ["signed by somebody else"] = SignedAgain(good, RandomNumberGenerator.GetBytes(32)),
            ["signed with an empty key"] = SignedAgain(good, []),
            ["of somebody else's name"] = Renamed(good, "boss1"),
            ["cut short"] = good[..^1],
            ["expired"] = expired,
            ["of a session that has ended"] = signedOut.Token,
        };
        var operations = (await ApiOperation.AllAsync(app)).Where(o => o.NeedsToken).ToList();
        operations.Count.ShouldBeGreaterThan(50);

        (await AskAsync(app, operations.Single(o => o.Id == "me"), good)).ShouldBe(HttpStatusCode.OK);
        foreach (var operation in operations.Where(o => o.Id != "logout"))
        {
            foreach (var (kind, token) in tokens)
            {
                (await AskAsync(app, operation, token)).ShouldBe(HttpStatusCode.Unauthorized, $"{operation} with a token {kind}");
            }
        }
    }

    private static async Task<HttpStatusCode> AskAsync(TestApp app, ApiOperation operation, string? token)
    {
        using var request = new HttpRequestMessage(new HttpMethod(operation.Method), operation.PathWith("nothing-1"));
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
        }

        if (operation.HasBody)
        {
            request.Content = Attack.Json(operation.SampleBody());
        }

        using var answer = await app.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return answer.StatusCode;
    }

    private static string Unsigned(string token) => $"{Encode("""{"alg":"none","typ":"JWT"}""")}.{token.Split('.')[1]}.";

    private static string SignedAgain(string token, byte[] key)
    {
        var signed = string.Join('.', token.Split('.')[..2]);
        return $"{signed}.{Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.ASCII.GetBytes(signed)))}";
    }

    private static string Renamed(string token, string name)
    {
        var parts = token.Split('.');
        var claims = JsonNode.Parse(Base64Url.DecodeFromChars(parts[1]))!;
        claims["sub"] = name;
        return $"{parts[0]}.{Encode(claims.ToJsonString())}.{parts[2]}";
    }

    private static string Encode(string json) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes(json));
}
