using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

internal static class WebhookEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapGroup("/api/webhooks").WithTags("Webhooks");
        webhooks.MapPost("/", CreateAsync)
            .WithName("createWebhook")
            .WithSummary("Have your locks' events posted to a URL: the answer shows the signing secret, once")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        webhooks.MapGet("/", ListAsync)
            .WithName("listWebhooks")
            .WithSummary("Your webhooks, oldest first")
            .RequireRateLimiting(RateLimits.Reads);
        webhooks.MapGet("/{webhook_id}", FindAsync)
            .WithName("getWebhook")
            .WithSummary("One of your webhooks")
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound);
        webhooks.MapPatch("/{webhook_id}", ChangeAsync)
            .WithName("changeWebhook")
            .WithSummary("Change a webhook's URL or events, or switch it off or on")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound);
        webhooks.MapDelete("/{webhook_id}", DeleteAsync)
            .WithName("deleteWebhook")
            .WithSummary("Delete a webhook and its deliveries")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound);
        webhooks.MapPost("/{webhook_id}/rotate-secret", RotateAsync)
            .WithName("rotateWebhookSecret")
            .WithSummary("Replace a webhook's secret: the answer shows the new one, once")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    public static ProblemHttpResult NotFound() =>
        Problems.Of(StatusCodes.Status404NotFound, "webhook_not_found", "There is no such webhook, or it is not yours.");

    private static async Task<Results<Created<WebhookSecretResponse>, ProblemHttpResult>> CreateAsync(
        CreateWebhookRequest request,
        [AsParameters] WebhookContext context,
        CancellationToken ct)
    {
        if (CheckUrl(request.Url, context) is { } fault)
        {
            return Problems.Invalid("url", fault);
        }

        var now = context.Time.GetUtcNow();
        var secret = WebhookSecrets.NewSecret();
        var webhook = new Webhook(Ids.NewUlid(now), request.Url, request.Events, request.DeviceId, Active: true, null, now);
        var created = new NewWebhook(webhook, context.Secrets.Protect(webhook.Id, secret));
        var outcome = await context.Store.CreateAsync(created, context.User.Username(), context.Options.Value.MaxPerAccount, ct);
        return outcome switch
        {
            CreateWebhookOutcome.Created => TypedResults.Created(
                $"{context.Http.Request.PathBase}/api/webhooks/{webhook.Id}",
                ShowOnce(context, webhook, secret)),
            CreateWebhookOutcome.TooMany => Problems.Of(
                StatusCodes.Status409Conflict,
                "too_many_webhooks",
                "You have as many webhooks as one account may have."),
            CreateWebhookOutcome.LockNotFound =>
                Problems.Of(StatusCodes.Status404NotFound, "lock_not_found", "There is no such lock, or it is not yours."),
        };
    }

    private static async Task<Results<Ok<WebhookPageResponse>, ProblemHttpResult>> ListAsync(
        [PageLimit] int? limit,
        string? cursor,
        IWebhookStore store,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        if (PageRequest.Refuse(cursor, WebhookCursors.Webhooks, out var after) is { } refusal)
        {
            return refusal;
        }

        return TypedResults.Ok(WebhookPageResponse.Of(await store.ListAsync(user.Username(), after, limit ?? PageRequest.DefaultLimit, ct)));
    }

    private static async Task<Results<Ok<WebhookResponse>, ProblemHttpResult>> FindAsync(
        [FromRoute(Name = "webhook_id")] string webhookId,
        IWebhookStore store,
        ClaimsPrincipal user,
        CancellationToken ct) =>
        Ids.IsUlid(webhookId) && await store.FindAsync(webhookId, user.Username(), ct) is { } found
            ? TypedResults.Ok(WebhookResponse.Of(found))
            : NotFound();

    private static async Task<Results<Ok<WebhookResponse>, ProblemHttpResult>> ChangeAsync(
        [FromRoute(Name = "webhook_id")] string webhookId,
        ChangeWebhookRequest request,
        [AsParameters] WebhookContext context,
        CancellationToken ct)
    {
        if (request is { Url: null, Events: null, Active: null })
        {
            return Problems.Invalid("body", "must change url, events or active");
        }

        if (CheckUrl(request.Url, context) is { } fault)
        {
            return Problems.Invalid("url", fault);
        }

        var change = new WebhookChange(request.Url, request.Events, request.Active);
        return Ids.IsUlid(webhookId)
            && await context.Store.ChangeAsync(webhookId, context.User.Username(), change, context.Time.GetUtcNow(), ct) is { } changed
                ? TypedResults.Ok(WebhookResponse.Of(changed))
                : NotFound();
    }

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        [FromRoute(Name = "webhook_id")] string webhookId,
        [AsParameters] WebhookContext context,
        CancellationToken ct) =>
        Ids.IsUlid(webhookId) && await context.Store.DeleteAsync(webhookId, context.User.Username(), context.Time.GetUtcNow(), ct)
            ? TypedResults.NoContent()
            : NotFound();

    private static async Task<Results<Ok<WebhookSecretResponse>, ProblemHttpResult>> RotateAsync(
        [FromRoute(Name = "webhook_id")] string webhookId,
        [AsParameters] WebhookContext context,
        CancellationToken ct)
    {
        if (!Ids.IsUlid(webhookId))
        {
            return NotFound();
        }

        var secret = WebhookSecrets.NewSecret();
        var sealedSecret = context.Secrets.Protect(webhookId, secret);
        return await context.Store.ReplaceSecretAsync(webhookId, context.User.Username(), sealedSecret, context.Time.GetUtcNow(), ct) is { } webhook
            ? TypedResults.Ok(ShowOnce(context, webhook, secret))
            : NotFound();
    }

    private static string? CheckUrl(string? url, WebhookContext context) =>
        url is null ? null : WebhookRules.CheckUrl(url, context.Options.Value.AllowHttp, context.Connections.MayReach);

    /// <summary>No cache on the way may keep the secret.</summary>
    private static WebhookSecretResponse ShowOnce(WebhookContext context, Webhook webhook, byte[] secret)
    {
        context.Http.Response.Headers.CacheControl = "no-store";
        return WebhookSecretResponse.Of(webhook, secret);
    }
}

/// <summary>What a request about webhooks needs.</summary>
internal sealed record WebhookContext(
    HttpContext Http,
    ClaimsPrincipal User,
    IWebhookStore Store,
    WebhookSecrets Secrets,
    GuardedConnections Connections,
    IOptions<WebhookOptions> Options,
    TimeProvider Time);
