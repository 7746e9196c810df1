using System.Security.Claims;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

internal static class DeliveryEndpoints
{
    private static readonly Dictionary<string, DeliveryState> States =
        Enum.GetValues<DeliveryState>().ToDictionary(s => s.ToString().ToLowerInvariant(), StringComparer.Ordinal);

    public static void Map(IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapGroup("/api/webhooks/{webhook_id}").WithTags("Webhooks");
        webhooks.MapPost("/test", TestAsync)
            .WithName("testWebhook")
            .WithSummary("Send a 'ping' event through a webhook")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
        webhooks.MapGet("/deliveries", ListAsync)
            .WithName("listWebhookDeliveries")
            .WithSummary("What a webhook was to deliver and what became of it, newest first")
            .WithDescription("state: pending, delivered, dead (given up; can be retried) or dropped (you may not see the lock any more).")
            .RequireRateLimiting(RateLimits.Reads)
            .ProducesProblem(StatusCodes.Status404NotFound);
        webhooks.MapPost("/deliveries/{delivery_id}/retry", RetryAsync)
            .WithName("retryWebhookDelivery")
            .WithSummary("Try a dead delivery again")
            .RequireRateLimiting(RateLimits.Commands)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .ProducesProblem(StatusCodes.Status409Conflict);
    }

    private static async Task<Results<Accepted<QueuedDeliveryResponse>, ProblemHttpResult>> TestAsync(
        [FromRoute(Name = "webhook_id")] string webhookId,
        [AsParameters] DeliveryContext context,
        CancellationToken ct)
    {
        if (!Ids.IsUlid(webhookId))
        {
            return WebhookEndpoints.NotFound();
        }

        var now = context.Time.GetUtcNow();
        var deliveryId = Ids.NewUlid(now);
        var body = WebhookBody.Write(Ids.NewUlid(now), WebhookRules.Ping, now, "{}"u8);
        var ping = new NewDelivery(deliveryId, webhookId, WebhookRules.Ping, null, body, now, now + WebhookRules.GiveUpAfter);
        var outcome = await context.Store.EnqueueAsync(ping, context.User.Username(), WebhookRules.MostPending, ct);
        return Answer(outcome, webhookId, deliveryId, context);
    }

    private static async Task<Results<Ok<DeliveryPageResponse>, ProblemHttpResult>> ListAsync(
        [FromRoute(Name = "webhook_id")] string webhookId,
        string? state,
        [PageLimit] int? limit,
        string? cursor,
        IDeliveryStore store,
        ClaimsPrincipal user,
        CancellationToken ct)
    {
        DeliveryState? wanted = null;
        if (state is not null)
        {
            if (!States.TryGetValue(state, out var known))
            {
                return Problems.Invalid("state", $"must be one of {string.Join(", ", States.Keys)}");
            }

            wanted = known;
        }

        long? before = null;
        if (cursor is not null)
        {
            if (!WebhookCursors.TryDecodeDelivery(cursor, out var number))
            {
                return Problems.Invalid("cursor", PageRequest.UnknownCursor);
            }

            before = number;
        }

        return Ids.IsUlid(webhookId)
            && await store.ListAsync(webhookId, user.Username(), wanted, before, limit ?? PageRequest.DefaultLimit, ct) is { } page
                ? TypedResults.Ok(DeliveryPageResponse.Of(page))
                : WebhookEndpoints.NotFound();
    }

    private static async Task<Results<Accepted<QueuedDeliveryResponse>, ProblemHttpResult>> RetryAsync(
        [FromRoute(Name = "webhook_id")] string webhookId,
        [FromRoute(Name = "delivery_id")] string deliveryId,
        [AsParameters] DeliveryContext context,
        CancellationToken ct)
    {
        if (!Ids.IsUlid(webhookId) || !Ids.IsUlid(deliveryId))
        {
            return NotFound();
        }

        var now = context.Time.GetUtcNow();
        var outcome = await context.Store.RetryAsync(
            webhookId,
            deliveryId,
            context.User.Username(),
            WebhookRules.MostPending,
            now,
            now + WebhookRules.GiveUpAfter,
            ct);
        return outcome is QueueOutcome.NotFound ? NotFound() : Answer(outcome, webhookId, deliveryId, context);
    }

    private static ProblemHttpResult NotFound() =>
        Problems.Of(StatusCodes.Status404NotFound, "delivery_not_found", "There is no such delivery, or it is not yours.");

    private static Results<Accepted<QueuedDeliveryResponse>, ProblemHttpResult> Answer(
        QueueOutcome outcome,
        string webhookId,
        string deliveryId,
        DeliveryContext context)
    {
        switch (outcome)
        {
            case QueueOutcome.Queued:
                context.Worker.Wake();
                var deliveries = $"{context.Http.Request.PathBase}/api/webhooks/{webhookId}/deliveries";
                return TypedResults.Accepted(deliveries, new QueuedDeliveryResponse(deliveryId));
            case QueueOutcome.NotFound:
                return WebhookEndpoints.NotFound();
            case QueueOutcome.Inactive:
                return Problems.Of(StatusCodes.Status409Conflict, "webhook_inactive", "The webhook is inactive: switch it on first.");
            case QueueOutcome.NotDead:
                return Problems.Of(StatusCodes.Status409Conflict, "delivery_not_dead", "Only dead deliveries can be retried.");
            case QueueOutcome.TooMany:
                return Problems.Of(StatusCodes.Status409Conflict, "too_many_pending", "The webhook has as many deliveries waiting as it may have.");
            default:
                throw new ArgumentOutOfRangeException(nameof(outcome), outcome, null);
        }
    }
}

/// <summary>What a request that queues a delivery needs.</summary>
internal sealed record DeliveryContext(HttpContext Http, ClaimsPrincipal User, IDeliveryStore Store, WebhookWorker Worker, TimeProvider Time);
