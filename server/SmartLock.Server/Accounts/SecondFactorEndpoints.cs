using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

public sealed record BeginSecondFactorRequest(string Password)
{
    public override string ToString() => "Second factor";
}

public sealed record ConfirmSecondFactorRequest(string Code)
{
    public override string ToString() => "Confirmation of a second factor";
}

/// <param name="Code">Or a recovery code.</param>
public sealed record ProveSecondFactorRequest(string Password, string? Code = null, string? RecoveryCode = null)
{
    public override string ToString() => "Proof of a second factor";
}

/// <param name="Secret">Base 32; shown once.</param>
/// <param name="Uri">The same as an otpauth URI, which an authenticator app reads.</param>
/// <param name="QrSvg">The URI as a QR code: an SVG document to show to the owner and to store nowhere.</param>
internal sealed record PendingSecondFactorResponse(string Secret, string Uri, string QrSvg)
{
    public override string ToString() => "Pending second factor";
}

/// <param name="RecoveryCodes">Each is good once in place of a code; shown once.</param>
internal sealed record RecoveryCodesResponse(IReadOnlyList<string> RecoveryCodes)
{
    public override string ToString() => "Recovery codes";
}

internal static class SecondFactorEndpoints
{
    public static void Map(RouteGroupBuilder me)
    {
        var group = me.MapGroup("/second-factor").RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status403Forbidden)
            .ProducesProblem(StatusCodes.Status409Conflict);
        group.MapPost("", BeginAsync)
            .WithName("beginSecondFactor")
            .WithSummary("Get a secret for an authenticator app; it counts once a code of it is confirmed");
        group.MapPost("/confirm", ConfirmAsync)
            .WithName("confirmSecondFactor")
            .WithSummary("Enable the second factor with its first code; answers with recovery codes");
        group.MapDelete("", RemoveAsync)
            .WithName("removeSecondFactor")
            .WithSummary("Do without a second factor");
        group.MapPost("/recovery-codes", RenewRecoveryCodesAsync)
            .WithName("renewRecoveryCodes")
            .WithSummary("Get new recovery codes in place of the old ones");
    }

    private static async Task<Results<Ok<PendingSecondFactorResponse>, ProblemHttpResult>> BeginAsync(
        BeginSecondFactorRequest request, SignIn signIn, SecondFactors secondFactors, HttpContext context, CancellationToken ct)
    {
        var username = context.User.Username();
        var result = await signIn.TryPasswordAsync(username, request.Password, ClientAddress.Of(context), ct);
        if (result.Outcome != SignInOutcome.SignedIn)
        {
            return SignInProblems.Of(result, context);
        }

        return await secondFactors.BeginAsync(username, ct) switch
        {
            { Factor: { } pending } => TypedResults.Ok(new PendingSecondFactorResponse(pending.Secret, pending.Uri, QrCode.SvgOf(pending.Uri))),
            { Outcome: BeginSecondFactorOutcome.NoAccount } => UserProblems.Gone(),
            _ => Problems.Of(StatusCodes.Status409Conflict, "second_factor_enabled", "The account has a second factor already."),
        };
    }

    private static async Task<Results<Ok<RecoveryCodesResponse>, ProblemHttpResult>> ConfirmAsync(
        ConfirmSecondFactorRequest request, SecondFactors secondFactors, ClaimsPrincipal user, HttpContext context, CancellationToken ct) =>
        await secondFactors.ConfirmAsync(user.Username(), request.Code, ct) switch
        {
            null => SignInProblems.Of(new SignInResult(SignInOutcome.SecondFactorWrong), context),
            { RecoveryCodes: { } codes } => TypedResults.Ok(new RecoveryCodesResponse(codes)),
            _ => Problems.Of(StatusCodes.Status409Conflict, "second_factor_not_pending", "No second factor waits to be confirmed."),
        };

    private static async Task<Results<NoContent, ProblemHttpResult>> RemoveAsync(
        [FromBody] ProveSecondFactorRequest request, SignIn signIn, SecondFactors secondFactors, HttpContext context, CancellationToken ct)
    {
        if (await RefuseAsync(request, signIn, context, ct) is { } refusal)
        {
            return refusal;
        }

        var username = context.User.Username();
        return await secondFactors.RemoveAsync(username, username, ct) == SecondFactorOutcome.Done ? TypedResults.NoContent() : NotEnabled();
    }

    private static async Task<Results<Ok<RecoveryCodesResponse>, ProblemHttpResult>> RenewRecoveryCodesAsync(
        ProveSecondFactorRequest request, SignIn signIn, SecondFactors secondFactors, HttpContext context, CancellationToken ct)
    {
        if (await RefuseAsync(request, signIn, context, ct) is { } refusal)
        {
            return refusal;
        }

        return await secondFactors.RenewRecoveryCodesAsync(context.User.Username(), ct) is { } codes
            ? TypedResults.Ok(new RecoveryCodesResponse(codes))
            : NotEnabled();
    }

    /// <summary>Null when password and code are right.</summary>
    private static async Task<ProblemHttpResult?> RefuseAsync(
        ProveSecondFactorRequest request, SignIn signIn, HttpContext context, CancellationToken ct)
    {
        var proof = new Proof(context.User.Username(), request.Password, request.Code, request.RecoveryCode, IsSignedIn: true);
        var result = await signIn.TryAsync(proof, ClientAddress.Of(context), ct);
        return result.Outcome == SignInOutcome.SignedIn ? null : SignInProblems.Of(result, context);
    }

    public static ProblemHttpResult NotEnabled() =>
        Problems.Of(StatusCodes.Status409Conflict, "second_factor_not_enabled", "The account has no second factor.");
}
