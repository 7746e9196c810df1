using System.ComponentModel.DataAnnotations;
using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmartLock.Server.Messaging;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Locks;

/// <param name="Owner">Who owns the lock at once; null for a device that waits for whoever has its claim code.</param>
/// <param name="Name">The lock's name; with an owner only.</param>
/// <param name="ExpiresDays">How long the device waits, 1 to 365 days; 30 when null.</param>
public sealed record AddDeviceRequest(
    [property: DeviceId] string DeviceId,
    bool Unsigned = false,
    string? Owner = null,
    [property: PlainText(LockRules.MaxNameLength)] string? Name = null,
    [property: Range(1, PairingRules.MaxDays, ErrorMessage = PairingRules.DaysRule)] int? ExpiresDays = null);

/// <param name="Code">The claim code, 16 characters in groups of four. It is shown here and never again.</param>
/// <param name="Qr">The text of the QR code, see docs/pairing.md; null when the server's own address is not known.</param>
/// <param name="QrSvg">The text as a QR code: an SVG document to print. It holds the claim code, so it is shown here and never again.</param>
internal sealed record PairingCodeResponse(string Code, string? Qr, string? QrSvg, DateTimeOffset ExpiresAt)
{
    public static PairingCodeResponse Of(string code, string? qr, DateTimeOffset expiresAt) => new(code, qr, qr is null ? null : QrCode.SvgOf(qr), expiresAt);

    public override string ToString() => $"Claim code until {ExpiresAt}";
}

/// <param name="Key">The device's key, 64 hex digits. It is shown here and never again.</param>
/// <param name="Pairing">Null for a device with an owner.</param>
internal sealed record AddedDeviceResponse(
    string DeviceId,
    bool Unsigned,
    string? Owner,
    string? Name,
    string Key,
    MqttLoginResponse Mqtt,
    PairingCodeResponse? Pairing)
{
    /// <param name="server">How a phone reaches this server, if that is known.</param>
    public static AddedDeviceResponse Of(DevicePreparation.Request request, DevicePreparation.Result added, Uri? server) => new(
        request.DeviceId,
        request.Unsigned,
        added.Lock?.Owner,
        added.Lock?.Name,
        Convert.ToHexStringLower(added.Key!),
        MqttLoginResponse.Of(request.DeviceId, added.Key!),
        added.Code is { } code
            ? PairingCodeResponse.Of(code, server is null ? null : PairingRules.QrText(server, request.DeviceId, code), added.ExpiresAt!.Value)
            : null);

    public override string ToString() => $"Added device {DeviceId}";
}

/// <param name="State">pending or expired.</param>
internal sealed record PreparedDeviceResponse(string DeviceId, bool Unsigned, string State, int WrongCodes, DateTimeOffset CreatedAt, DateTimeOffset ExpiresAt)
{
    public static PreparedDeviceResponse Of(Pairing pairing, DateTimeOffset now) => new(
        pairing.DeviceId,
        pairing.Unsigned,
        PairingRules.IsOpen(pairing, now) ? "pending" : "expired",
        pairing.WrongCodes,
        pairing.CreatedAt,
        pairing.ExpiresAt);
}

internal sealed record PreparedDevicePageResponse(IReadOnlyList<PreparedDeviceResponse> Items, string? Next);

/// <summary>Devices that the operator prepares for owners who hold a phone, not a console.</summary>
internal static class DeviceAdminEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var devices = routes.MapAdmin().MapGroup("/devices");
        devices.MapPost("/", AddAsync)
            .WithName("addDevice")
            .WithSummary("Prepare a device: the answer shows its key, and the claim code for its owner, once")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status409Conflict)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        devices.MapGet("/", ListAsync)
            .WithName("adminListDevices")
            .WithSummary("Prepared devices that nobody has claimed, by device id")
            .RequireRateLimiting(RateLimits.Reads);
        devices.MapDelete("/{device_id}", RemoveAsync)
            .WithName("removeDevice")
            .WithSummary("Take a prepared device back that nobody has claimed")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Created<AddedDeviceResponse>, ProblemHttpResult>> AddAsync(
        AddDeviceRequest body,
        DevicePreparation preparation,
        IOptions<DeviceOptions> devices,
        IOptions<ServerOptions> server,
        ClaimsPrincipal user,
        HttpContext context,
        CancellationToken ct)
    {
        var request = new DevicePreparation.Request(body.DeviceId, body.Unsigned, body.Owner, body.Name, body.ExpiresDays);
        var errors = PairingRules.Check(request, devices.Value.AllowUnsigned);
        if (errors.Count > 0)
        {
            return Problems.Invalid(errors);
        }

        var added = await preparation.AddAsync(request, user.Username(), ct);
        return added.Outcome switch
        {
            AddDeviceOutcome.Added => Created(context, AddedDeviceResponse.Of(request, added, server.Value.AddressFor(context.Request))),
            AddDeviceOutcome.DeviceIdTaken => Problems.Of(
                StatusCodes.Status409Conflict,
                "device_id_taken",
                "A lock with this device_id is registered already, or a device waits to be claimed."),
            AddDeviceOutcome.UserNotFound =>
                Problems.Of(StatusCodes.Status422UnprocessableEntity, "user_not_found", "There is no account of this name, or it is disabled."),
            AddDeviceOutcome.TooManyLocks =>
                Problems.Of(StatusCodes.Status409Conflict, "too_many_locks", "That account has as many locks as one account may have."),
        };
    }

    private static Created<AddedDeviceResponse> Created(HttpContext context, AddedDeviceResponse answer)
    {
        LockProblems.KeepNowhere(context);
        return TypedResults.Created($"{context.Request.PathBase}/api/admin/devices", answer);
    }

    private static async Task<Results<Ok<PreparedDevicePageResponse>, ProblemHttpResult>> ListAsync(
        [PageLimit] int? limit,
        string? cursor,
        IPairingStore store,
        TimeProvider time,
        CancellationToken ct)
    {
        if (PageRequest.Refuse(cursor, LockCursor.Pairings, out var after) is { } refusal)
        {
            return refusal;
        }

        var page = await store.ListAsync(after, limit ?? PageRequest.DefaultLimit, ct);
        var now = time.GetUtcNow();
        return TypedResults.Ok(new PreparedDevicePageResponse([.. page.Items.Select(item => PreparedDeviceResponse.Of(item, now))], page.Next));
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(
        [FromRoute(Name = "device_id")] string deviceId,
        IPairingStore store,
        ClaimsPrincipal user,
        TimeProvider time,
        CancellationToken ct) =>
        LockRules.IsDeviceId(deviceId) && await store.RemoveAsync(new LockChange(deviceId, user.Username(), time.GetUtcNow()), ct)
            ? TypedResults.NoContent()
            : Problems.Of(StatusCodes.Status404NotFound, "device_not_found", "No such device waits to be claimed.");
}
