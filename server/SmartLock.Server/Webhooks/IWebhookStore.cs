using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Webhooks;

internal enum CreateWebhookOutcome
{
    Created,

    /// <summary>The account has as many as one may have.</summary>
    TooMany,

    /// <summary>No such lock, or the account may not see it.</summary>
    LockNotFound,
}

/// <param name="ProtectedSecret">Encrypted (see WebhookSecrets).</param>
internal sealed record NewWebhook(Webhook Webhook, byte[] ProtectedSecret);

/// <summary>Null leaves a member as it is.</summary>
internal sealed record WebhookChange(string? Url, IReadOnlyList<string>? Events, bool? Active);

/// <summary>
/// Every read and write names the account in the query itself: a foreign id and a missing id look the same. What changes a webhook leaves a
/// log entry in the same transaction.
/// </summary>
internal interface IWebhookStore
{
    /// <summary>Counts and writes in one transaction: two at once cannot pass <paramref name="most"/> together.</summary>
    Task<CreateWebhookOutcome> CreateAsync(NewWebhook webhook, string username, int most, CancellationToken ct);

    /// <summary>Ordered by id, which is by when they were made.</summary>
    Task<Page<Webhook>> ListAsync(string username, string? afterId, int limit, CancellationToken ct);

    Task<Webhook?> FindAsync(string id, string username, CancellationToken ct);

    /// <summary>
    /// Switched off, what is pending becomes dead; switched on, its past failures are forgotten. Null when there is none.
    /// </summary>
    Task<Webhook?> ChangeAsync(string id, string username, WebhookChange change, DateTimeOffset now, CancellationToken ct);

    Task<Webhook?> ReplaceSecretAsync(string id, string username, byte[] protectedSecret, DateTimeOffset now, CancellationToken ct);

    /// <summary>Its deliveries go with it. False when there is none.</summary>
    Task<bool> DeleteAsync(string id, string username, DateTimeOffset now, CancellationToken ct);
}
