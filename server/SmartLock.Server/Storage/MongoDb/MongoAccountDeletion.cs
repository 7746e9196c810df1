using MongoDB.Driver;
using SmartLock.Server.Accounts;
using SmartLock.Server.Audit;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// Deletes accounts: one transaction leaves nothing of one but its id and the hash of its name, and takes its sessions, shares and webhooks. What it
/// may have too much of for one transaction is forgotten after that, in steps, see <see cref="MongoForgetting"/>.
/// </summary>
internal sealed partial class MongoAccountDeletion(
    MongoDatabase database,
    MongoUsers users,
    MongoSessions sessions,
    MongoLocks locks,
    MongoWebhooks webhooks,
    MongoForgetting forgetting,
    AuditChain chain,
    ILogger<MongoAccountDeletion> logger)
{
    public async Task<DeleteUserOutcome> DeleteAsync(string username, string actor, DateTimeOffset now, CancellationToken ct)
    {
        var (outcome, retired) = await database.TransactAsync(
            [AuditSubjects.Accounts, MongoTransaction.TurnOf(MongoNames.KeyOf(username))],
            transaction => DeleteAsync(transaction, username, actor, now),
            ct);
        if (retired is not null)
        {
            await TryForgetAsync(retired);
        }

        return outcome;
    }

    private async Task<(DeleteUserOutcome Outcome, RetiredUserDocument? Retired)> DeleteAsync(
        MongoTransaction transaction, string username, string actor, DateTimeOffset now)
    {
        var found = await users.TakeAsync(transaction, username);
        var user = UserDocument.ToUser(found);
        var deletion = UserChangeRules.Delete(
            user,
            user is null || !UserChangeRules.IsEnabledAdmin(user) || await users.HasAnotherAdminAsync(transaction, found!.Id),
            found is not null && await OwnsLocksAsync(transaction, found.NameKey),
            actor,
            now);
        if (deletion.Entry is not null)
        {
            // While the account is still there, since its id is looked up for it.
            await transaction.AppendAsync(deletion.Entry, null);
        }

        return deletion.Outcome is DeleteUserOutcome.Deleted
            ? (deletion.Outcome, await RetireAsync(transaction, found!, now))
            : (deletion.Outcome, null);
    }

    private async Task<RetiredUserDocument> RetireAsync(MongoTransaction transaction, UserDocument user, DateTimeOffset now)
    {
        await sessions.DeleteAllOfAsync(transaction, user.NameKey);
        await locks.EndSharesOfAsync(transaction, user.NameKey);
        var bound = chain.Retire(
            new AccountBinding(user.Id, user.NameKey, user.Username, user.NameHash, user.Binding), chain.NameHashOf(user.NameKey));
        var retired = new RetiredUserDocument
        {
            Id = user.Id,
            NameHash = bound.NameHash!,
            Binding = bound.Binding,
            RetiredAt = now,
            Leaving = new LeavingPart
            {
                Username = user.Username,
                WebhookIds = await webhooks.DeleteAllOfAsync(transaction, user.NameKey),
                DueAt = now + MongoForgetting.Settled,
            },
        };
        await users.Retired.ReplaceOneAsync(
            transaction.Session, Builders<RetiredUserDocument>.Filter.Eq(u => u.Id, user.Id), retired, new ReplaceOptions(), transaction.Ct);
        return retired;
    }

    /// <summary>Touches the account: whoever gets a lock for it at the same time does so as well.</summary>
    private async Task<bool> OwnsLocksAsync(MongoTransaction transaction, string nameKey)
    {
        await transaction.TouchAccountAsync(nameKey);
        return await locks.OwnsAnyAsync(transaction, nameKey);
    }

    /// <summary>The account is deleted, whether or not the caller waits and the store stays there: what is left is forgotten later.</summary>
    private async Task TryForgetAsync(RetiredUserDocument retired)
    {
        try
        {
            await forgetting.ForgetAsync(retired, CancellationToken.None);
        }
        catch (StoreUnavailableException e)
        {
            LogLeft(e.Message);
        }
    }

    [LoggerMessage(2140, LogLevel.Information, "What is left of a deleted account is forgotten later: {Reason}")]
    private partial void LogLeft(string reason);
}
