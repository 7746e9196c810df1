using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace SmartLock.Server.Webhooks;

/// <param name="Status">Null when there was no answer.</param>
/// <param name="Reason">Null when it was delivered.</param>
internal sealed record SendResult(int? Status, string? Reason, TimeSpan? RetryAfter);

/// <summary>Makes one attempt. Nothing of the URL, the secret or the receiver's answer goes anywhere but into the result's few words.</summary>
internal sealed partial class WebhookSender(GuardedConnections connections, WebhookSecrets secrets, TimeProvider time, ILogger<WebhookSender> log)
    : IDisposable
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);
    private readonly HttpClient _http = new(connections.CreateHandler()) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };

    /// <exception cref="OperationCanceledException">The server stops.</exception>
    public async Task<SendResult> SendAsync(ClaimedDelivery claim, CancellationToken ct)
    {
        if (!connections.MayCall(new Uri(claim.Url)))
        {
            return new SendResult(null, DeliveryReasons.AddressRefused, null);
        }

        byte[] secret;
        try
        {
            secret = secrets.Unprotect(claim.WebhookId, claim.ProtectedSecret);
        }
        catch (CryptographicException e)
        {
            LogUnreadableSecret(claim.WebhookId, e);
            return new SendResult(null, DeliveryReasons.SecretUnreadable, null);
        }

        using var timeout = new CancellationTokenSource(Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, ct);
        using var request = MakeRequest(claim, secret);
        try
        {
            // The status is the whole answer; what follows it is not read, and past a few kilobytes not waited for.
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, either.Token);
            var retryAfter = RetryAfterOf(answer.Headers.RetryAfter);
            return new SendResult((int)answer.StatusCode, answer.IsSuccessStatusCode ? null : DeliveryReasons.Status, retryAfter);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return new SendResult(null, DeliveryReasons.Timeout, null);
        }
        catch (HttpRequestException e)
        {
            return new SendResult(null, ReasonOf(e), null);
        }
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage MakeRequest(ClaimedDelivery claim, byte[] secret)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var content = new ByteArrayContent(claim.Body);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        var request = new HttpRequestMessage(HttpMethod.Post, claim.Url) { Content = content };
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("SmartLock-Webhook", "1"));
        request.Headers.Add("SmartLock-Event", claim.Event);
        request.Headers.Add("SmartLock-Delivery", claim.DeliveryId);
        request.Headers.Add("SmartLock-Timestamp", timestamp);
        request.Headers.Add("SmartLock-Signature", WebhookSecrets.Sign(secret, timestamp, claim.Body));
        return request;
    }

    private TimeSpan? RetryAfterOf(RetryConditionHeaderValue? header) =>
        header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);

    private static string ReasonOf(HttpRequestException failure)
    {
        for (Exception? e = failure; e is not null; e = e.InnerException)
        {
            switch (e)
            {
                case AddressRefusedException:
                    return DeliveryReasons.AddressRefused;
                case AuthenticationException:
                    return DeliveryReasons.TlsFailed;
                case SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain }:
                    return DeliveryReasons.NameNotFound;
            }
        }

        return DeliveryReasons.ConnectionFailed;
    }

    [LoggerMessage(1, LogLevel.Error, "The stored secret of webhook {WebhookId} cannot be read, so nothing can be signed for it")]
    private partial void LogUnreadableSecret(string webhookId, Exception e);
}
