namespace SmartLock.Server.Tests.Contract;

/// <param name="Expected">Status codes in the order of <see cref="Cast.Roles"/>.</param>
/// <param name="NeedsFreshCast">The operation ends sessions or accounts.</param>
internal sealed record MatrixRow(string Operation, IReadOnlyList<int> Expected, bool NeedsFreshCast);

/// <summary>
/// Who may do what: every operation, asked rightly in all but who asks. An operation that is not here fails the test. The lock is one
/// whose device is not reported, so 409 is how far those come who may move it. An asterisk marks what ends sessions or accounts.
/// </summary>
internal static class AuthorizationMatrix
{
    private const string Text = """
                                                              nobody stranger viewer operator owner admin
        POST /api/auth/register                               201 201 201 201 201 201
        POST /api/auth/login                                  200 200 200 200 200 200
        POST /api/auth/refresh                                401 401 401 401 401 401
        POST /api/auth/logout                               * 401 204 204 204 204 204
        POST /api/auth/first-admin                            410 410 410 410 410 410
        GET /api/me                                           401 200 200 200 200 200
        PATCH /api/me                                         401 200 200 200 200 200
        DELETE /api/me                                      * 401 204 204 204 409 204
        POST /api/me/password                               * 401 200 200 200 200 200
        GET /api/me/sessions                                  401 200 200 200 200 200
        DELETE /api/me/sessions                             * 401 204 204 204 204 204
        DELETE /api/me/sessions/{session_id}                * 401 404 404 404 204 404
        POST /api/me/second-factor                          * 401 200 200 200 200 200
        POST /api/me/second-factor/confirm                    401 409 409 409 409 409
        DELETE /api/me/second-factor                          401 409 409 409 409 409
        POST /api/me/second-factor/recovery-codes             401 409 409 409 409 409
        POST /api/locks                                       401 201 201 201 201 201
        GET /api/locks                                        401 200 200 200 200 200
        POST /api/locks/claim                                 401 201 201 201 201 201
        GET /api/locks/{device_id}                            401 404 200 200 200 404
        PATCH /api/locks/{device_id}                          401 404 403 403 200 404
        DELETE /api/locks/{device_id}                         401 404 403 403 204 404
        GET /api/locks/{device_id}/status                     401 404 200 200 200 404
        GET /api/locks/{device_id}/diagnostics                401 404 200 200 200 404
        POST /api/locks/{device_id}/rotate-key                401 404 403 403 200 404
        POST /api/locks/{device_id}/lock                      401 404 403 409 409 404
        POST /api/locks/{device_id}/unlock                    401 404 403 409 409 404
        GET /api/locks/{device_id}/shares                     401 404 403 403 200 404
        POST /api/locks/{device_id}/shares                    401 404 403 403 201 404
        DELETE /api/locks/{device_id}/shares/{username}       401 404 204 403 204 404
        POST /api/lock                                        401 404 403 409 409 404
        POST /api/unlock                                      401 404 403 409 409 404
        GET /api/commands/{command_id}                        401 404 404 404 200 404
        GET /api/logs                                         401 200 200 200 200 200
        GET /api/logs/export                                  401 200 200 200 200 200
        GET /api/events                                       401 200 200 200 200 200
        POST /api/webhooks                                    401 404 201 201 201 404
        GET /api/webhooks                                     401 200 200 200 200 200
        GET /api/webhooks/{webhook_id}                        401 404 404 404 200 404
        PATCH /api/webhooks/{webhook_id}                      401 404 404 404 200 404
        DELETE /api/webhooks/{webhook_id}                     401 404 404 404 204 404
        POST /api/webhooks/{webhook_id}/rotate-secret         401 404 404 404 200 404
        POST /api/webhooks/{webhook_id}/test                  401 404 404 404 202 404
        GET /api/webhooks/{webhook_id}/deliveries             401 404 404 404 200 404
        POST /api/webhooks/{webhook_id}/deliveries/{delivery_id}/retry  401 404 404 404 409 404
        GET /api/admin/users                                  401 403 403 403 403 200
        POST /api/admin/users                                 401 403 403 403 403 201
        GET /api/admin/users/{username}                       401 403 403 403 403 200
        PATCH /api/admin/users/{username}                   * 401 403 403 403 403 200
        DELETE /api/admin/users/{username}                  * 401 403 403 403 403 204
        DELETE /api/admin/users/{username}/second-factor      401 403 403 403 403 409
        GET /api/admin/locks                                  401 403 403 403 403 200
        PUT /api/admin/locks/{device_id}/owner                401 403 403 403 403 200
        GET /api/admin/devices                                401 403 403 403 403 200
        POST /api/admin/devices                               401 403 403 403 403 201
        DELETE /api/admin/devices/{device_id}                 401 403 403 403 403 204
        GET /api/admin/logs                                   401 403 403 403 403 200
        GET /api/admin/logs/export                            401 403 403 403 403 200
        GET /api/admin/logs/verify                            401 403 403 403 403 200
        GET /api/admin/integrations                           401 403 403 403 403 200
        GET /setup                                            410 410 410 410 410 410
        POST /auth/register                                   200 200 200 200 200 200
        POST /auth/signup                                     200 200 200 200 200 200
        POST /auth/login                                      200 200 200 200 200 200
        POST /locks/register                                  401 200 200 200 200 200
        GET /locks                                            401 200 200 200 200 200
        GET /locks/{device_id}/status                         401 404 200 200 200 404
        PUT /locks/{device_id}/reassign                       401 403 403 403 403 200
        GET /health/live                                      200 200 200 200 200 200
        GET /health/ready                                     200 200 200 200 200 200
        GET /openapi/{documentName}.json                      200 200 200 200 200 200
        GET /mqtt                                             400 400 400 400 400 400
        """;

    public static readonly IReadOnlyList<MatrixRow> Rows = [.. Text.Split('\n').Skip(1).Where(l => l.Trim().Length > 0).Select(Parse)];

    /// <summary>The path's parameters, and the query that the operation cannot do without.</summary>
    public static string PathOf(MatrixRow row, Scene scene)
    {
        var path = row.Operation.Split(' ')[1]
            .Replace("{username}", row.Operation.Contains("/shares/", StringComparison.Ordinal) ? scene.Cast.Viewer.Username : scene.Cast.Stranger.Username, StringComparison.Ordinal)
            .Replace("{device_id}", row.Operation.Contains("/devices/", StringComparison.Ordinal) ? scene.PendingDeviceId : scene.DeviceId, StringComparison.Ordinal)
            .Replace("{command_id}", scene.CommandId, StringComparison.Ordinal)
            .Replace("{webhook_id}", scene.WebhookId, StringComparison.Ordinal)
            .Replace("{delivery_id}", scene.DeliveryId, StringComparison.Ordinal)
            .Replace("{session_id}", scene.SessionId, StringComparison.Ordinal)
            .Replace("{documentName}", "v1", StringComparison.Ordinal);
        return row.Operation.EndsWith("/reassign", StringComparison.Ordinal) ? $"{path}?new_owner={scene.Cast.Stranger.Username}" : path;
    }

    /// <summary>A right body, or null for none.</summary>
    public static object? BodyOf(MatrixRow row, Scene scene, string fresh) => row.Operation switch
    {
        "POST /api/auth/register" or "POST /auth/signup" or "POST /api/admin/users" => new { username = fresh, password = TestApp.Password },
        "POST /auth/register" => new { username = fresh, password = TestApp.Password, email = "ada@example.org" },
        "POST /api/auth/login" or "POST /auth/login" => new { username = scene.Cast.Owner.Username, password = TestApp.Password },
        "POST /api/auth/refresh" => new { refresh_token = new string('A', 43) },
        "POST /api/auth/first-admin" => new { token = new string('A', 43), username = fresh, password = TestApp.Password },
        "PATCH /api/me" => new { email = "ada@example.org" },
        "DELETE /api/me" or "POST /api/me/second-factor" => new { password = TestApp.Password },
        "POST /api/me/password" => new { current_password = TestApp.Password, new_password = "another horse battery" },
        "POST /api/me/second-factor/confirm" => new { code = "123456" },
        "DELETE /api/me/second-factor" or "POST /api/me/second-factor/recovery-codes" => new { password = TestApp.Password, code = "123456" },
        "POST /api/locks" or "POST /locks/register" => new { device_id = fresh, name = "Another door" },
        "POST /api/locks/claim" => new { device_id = scene.PendingDeviceId, code = scene.ClaimCode, name = "Claimed door" },
        "PATCH /api/locks/{device_id}" => new { name = "Renamed door" },
        "POST /api/locks/{device_id}/shares" => new { username = scene.Cast.Stranger.Username, role = "viewer" },
        "POST /api/lock" or "POST /api/unlock" => new { device_id = scene.DeviceId },
        "POST /api/webhooks" => new { url = "https://hook.invalid/", events = new[] { "lock" }, device_id = scene.DeviceId },
        "PATCH /api/webhooks/{webhook_id}" => new { active = false },
        "PATCH /api/admin/users/{username}" => new { disabled = true },
        "PUT /api/admin/locks/{device_id}/owner" => new { owner = scene.Cast.Stranger.Username },
        "POST /api/admin/devices" => new { device_id = fresh },
        _ => null,
    };

    private static MatrixRow Parse(string line)
    {
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var expected = words[^Cast.Roles.Count..].Select(w => int.Parse(w, System.Globalization.CultureInfo.InvariantCulture));
        return new MatrixRow($"{words[0]} {words[1]}", [.. expected], words.Contains("*"));
    }
}
