using System.Net;
using System.Text;
using System.Text.Json.Nodes;

namespace SmartLock.Server.Tests.Contract;

/// <summary>
/// Every operation of the OpenAPI document with input that nobody should send: expected refusals that say what is wrong, and never the
/// server's fault. New operations are tried by themselves.
/// </summary>
public sealed class BadInputTests
{
    private const int AtOnce = 200;

    private static readonly string[] OddTexts =
    [
        "", " ", "\0", "\u202Egnp.exe", "\uFEFF", "a\u0301", "\uFF41\uFF44\uFF4D\uFF49\uFF4E", "\u0430dmin", "🔒", "' OR 1=1 --", "\"", "../../etc/passwd", "{{7*7}}",
        "<script>", "=1+1", "\r\nX-Injected: 1", "null", "-1", "9223372036854775808", "NaN", "https://user:pw@localhost/", "1970-01-01T00:00:00Z",
    ];

    private static readonly string[] OddIds =
    [
        "%27", "%22", "%2F", "a%2Fb", "..%2F..", "%2e%2e", "%00", "%20", "%F0%9F%94%92", "%C3%28", "%25", "a%3Fb", "%E2%80%AE", "*", "null", "0", "-1",
    ];

    [Fact]
    public async Task Bodies_with_missing_extra_and_mistyped_members_are_refused_by_name()
    {
        await using var attack = await Attack.StartAsync();
        foreach (var operation in attack.Operations.Where(o => o.HasBody && o.Members.Count > 0))
        {
            if (operation.Members.Where(m => m.IsRequired).ToList() is { Count: > 0 } required)
            {
                await attack.RefusedByNameAsync(operation, new JsonObject(), [.. required.Select(m => m.Name)]);
            }

            var extra = operation.SampleBody();
            extra["no_such_member"] = 1;
            await attack.RefusedByNameAsync(operation, extra, "no_such_member");
            foreach (var member in operation.Members)
            {
                foreach (var wrong in WrongValues(member))
                {
                    var body = operation.SampleBody();
                    body[member.Name] = wrong;
                    await attack.RefusedByNameAsync(operation, body, member.Name);
                }
            }
        }

        attack.NothingWentWrong();
    }

    [Fact]
    public async Task Odd_and_huge_texts_are_never_the_servers_fault()
    {
        await using var attack = await Attack.StartAsync();
        foreach (var operation in attack.Operations.Where(o => o.HasBody))
        {
            foreach (var member in operation.Members.Where(m => m.Types.Contains("string")))
            {
                foreach (var text in OddTexts.Append(new string('x', 60_000)))
                {
                    var body = operation.SampleBody();
                    body[member.Name] = text;
                    await attack.ExpectedAsync(operation, body, $"{member.Name}={text[..Math.Min(text.Length, 20)]}");
                }
            }
        }

        attack.NothingWentWrong();
    }

    [Fact]
    public async Task Bodies_that_are_no_JSON_objects_or_too_large_are_refused()
    {
        await using var attack = await Attack.StartAsync();
        foreach (var operation in attack.Operations.Where(o => o.HasBody))
        {
            foreach (var text in new[] { "{", "[]", "42", "\"x\"", "{\"a\":1,}", "nul" })
            {
                using var answer = await attack.SendAsync(operation, Answers.JsonBody(Encoding.UTF8.GetBytes(text)));
                await answer.ShouldBeProblemAsync(HttpStatusCode.BadRequest, "invalid_request");
            }

            using var large = await attack.SendAsync(operation, Answers.JsonBody(new byte[80_000]));
            await large.ShouldBeProblemAsync(HttpStatusCode.RequestEntityTooLarge, "body_too_large");
            using var form = await attack.SendAsync(operation, new StringContent("a=1", Encoding.UTF8, "application/x-www-form-urlencoded"));
            await form.ShouldBeProblemAsync(HttpStatusCode.UnsupportedMediaType, "unsupported_media_type");
        }

        attack.NothingWentWrong();
    }

    [Fact]
    public async Task Odd_ids_and_queries_are_never_the_servers_fault()
    {
        await using var attack = await Attack.StartAsync();
        foreach (var operation in attack.Operations)
        {
            foreach (var id in operation.PathParameters.Count > 0 ? OddIds.Append(new string('x', 5_000)) : [])
            {
                await attack.ExpectedAsync(operation, operation.SampleBody(), id, operation.PathWith(id));
            }

            foreach (var name in operation.QueryParameters)
            {
                foreach (var text in OddTexts.Append(new string('x', 5_000)))
                {
                    var path = $"{operation.PathWith("nothing-1")}?{name}={Uri.EscapeDataString(text)}";
                    await attack.ExpectedAsync(operation, operation.SampleBody(), path, path);
                }
            }
        }

        attack.NothingWentWrong();
    }

    [Fact]
    public async Task Two_hundred_equal_requests_at_once_are_never_the_servers_fault()
    {
        await using var attack = await Attack.StartAsync();
        foreach (var operation in attack.Operations.Where(o => o.Method != "GET"))
        {
            await attack.RenewAsync();
            var answers = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => attack.SendAsync(operation, Attack.Json(operation.SampleBody()))));
            var codes = answers.Select(a => (int)a.StatusCode).Distinct().ToList();
            codes.ShouldAllBe(c => c < 500, $"{operation}: {string.Join(", ", codes)}");
            Array.ForEach(answers, a => a.Dispose());
        }

        attack.NothingWentWrong();
    }

    private static IEnumerable<JsonNode?> WrongValues(ApiMember member)
    {
        if (!member.IsNullable)
        {
            yield return null;
        }

        if (!member.Types.Contains("object"))
        {
            yield return new JsonObject { ["a"] = 1 };
        }

        if (!member.Types.Contains("array"))
        {
            yield return new JsonArray(1, 2);
        }

        if (!member.Types.Contains("boolean"))
        {
            yield return true;
        }

        if (!member.Types.Contains("integer") && !member.Types.Contains("number"))
        {
            yield return 7;
        }

        if (!member.Types.Contains("string") || member.Values.Count > 0)
        {
            yield return "seven";
        }
    }
}
