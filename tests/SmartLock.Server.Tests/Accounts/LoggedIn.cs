using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace SmartLock.Server.Tests.Accounts;

/// <summary>The tokens of a login's or a refresh's answer, and what tests do with them.</summary>
internal sealed record LoggedIn(TestApp App, string Access, string Refresh)
{
    public static async Task<LoggedIn> SignInAsync(TestApp app, string username, object? more = null)
    {
        using var answer = await app.Http.PostAsJsonAsync("/api/auth/login", more ?? new { username, password = TestApp.Password });
        return await OfAsync(app, answer);
    }

    public static async Task<LoggedIn> OfAsync(TestApp app, HttpResponseMessage answer)
    {
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        var login = await answer.JsonAsync();
        return new LoggedIn(app, login.GetProperty("access_token").GetString()!, login.GetProperty("refresh_token").GetString()!);
    }

    public Task<HttpResponseMessage> TryRefreshAsync() => App.Http.PostAsJsonAsync("/api/auth/refresh", new { refresh_token = Refresh });

    public async Task<LoggedIn> RefreshAsync()
    {
        using var answer = await TryRefreshAsync();
        return await OfAsync(App, answer);
    }

    public Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body = null) => SendAsync(App, Access, method, path, body);

    public async Task<JsonElement> GetAsync(string path)
    {
        using var answer = await SendAsync(HttpMethod.Get, path);
        answer.StatusCode.ShouldBe(HttpStatusCode.OK, await answer.Content.ReadAsStringAsync());
        return await answer.JsonAsync();
    }

    /// <summary>The access token opens a door no more, or still does.</summary>
    public async Task ShouldBeAliveAsync(bool alive = true)
    {
        using var answer = await SendAsync(HttpMethod.Get, "/api/me");
        answer.StatusCode.ShouldBe(alive ? HttpStatusCode.OK : HttpStatusCode.Unauthorized);
    }

    public static async Task<HttpResponseMessage> SendAsync(TestApp app, string access, HttpMethod method, string path, object? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new("Bearer", access);
        request.Content = body is null ? null : JsonContent.Create(body);
        return await app.Http.SendAsync(request);
    }

    /// <summary>Action and result of what the log says of accounts, oldest first.</summary>
    public static string[] Log(TestApp app)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={Path.Combine(app.DataFolder, "smartlock.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT action || ' ' || result FROM logs WHERE device_id = '@accounts' ORDER BY id";
        using var rows = command.ExecuteReader();
        var entries = new List<string>();
        while (rows.Read())
        {
            entries.Add(rows.GetString(0));
        }

        return [.. entries];
    }
}
