using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

internal enum Belief
{
    Believed,

    /// <summary>Neither signed nor from the device's own login.</summary>
    Unproven,
    BadSignature,

    /// <summary>Not newer than the last one believed.</summary>
    Replayed,

    /// <summary>Signed, but dated further ahead than clocks differ.</summary>
    Misdated,

    /// <summary>A will of another connection than the present one.</summary>
    OldConnection,

    /// <summary>A will of the device's own login, which is connected again.</summary>
    ReplacedConnection,
}

/// <summary>Who said it: what the broker knows about the connection that a status came over.</summary>
internal enum StatusSource
{
    /// <summary>An outside broker, or another login.</summary>
    Anyone,

    /// <summary>The embedded broker, logged in as the very device the status speaks of.</summary>
    OwnLogin,
}

/// <summary>Whether a status is believed. Pure.</summary>
internal static class StatusBelief
{
    /// <summary>
    /// How far a device's clock may be ahead. Were a status from next year believed, every rightly dated one would be a replay until then.
    /// </summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);

    /// <param name="device">What was believed of the device so far.</param>
    public static Belief Of(in StatusMessage message, StatusSource source, CachedDevice device, bool unsignedAllowed, DateTimeOffset now)
    {
        var proof = ProofOf(message, source, device.Key, unsignedAllowed);
        if (proof is Proof.None)
        {
            return message.Signature.IsEmpty ? Belief.Unproven : Belief.BadSignature;
        }

        if (message.IsWill)
        {
            return IsOfPresentConnection(message, source, device) ? Belief.Believed : Belief.OldConnection;
        }

        // Over its own login a device cannot be replayed by others, and after a power cut its clock may have stepped back.
        if (proof is not Proof.Signature)
        {
            return Belief.Believed;
        }

        if (IsAhead(message.SentAt, now))
        {
            return Belief.Misdated;
        }

        return (message.SentAt ?? 0) <= device.SentAt ? Belief.Replayed : Belief.Believed;
    }

    public static bool IsAhead(long? sentAt, DateTimeOffset now) => sentAt > (now + MaxAhead).ToUnixTimeMilliseconds();

    /// <summary>
    /// Another replica may have received a status of a later connection: the store decides. Over the device's own login there is no other replica.
    /// </summary>
    private static bool IsOfPresentConnection(in StatusMessage will, StatusSource source, CachedDevice device)
    {
        var connectedAt = will.ConnectedAt ?? 0;
        return connectedAt == device.ConnectedAt || (source is StatusSource.Anyone && connectedAt > device.ConnectedAt);
    }

    private static Proof ProofOf(in StatusMessage message, StatusSource source, byte[] key, bool unsignedAllowed)
    {
        if (source is StatusSource.OwnLogin)
        {
            return Proof.Login;
        }

        if (!message.Signature.IsEmpty)
        {
            return IsSignedBy(message, key) ? Proof.Signature : Proof.None;
        }

        return unsignedAllowed ? Proof.Trust : Proof.None;
    }

    private static bool IsSignedBy(in StatusMessage message, byte[] key)
    {
        var line = new SigningLine(stackalloc byte[Signatures.MaxLineBytes]);
        if (message.IsWill)
        {
            line.Begin("v1|will"u8);
            line.Add(message.DeviceId);
            line.Add(message.ConnectedAt);
        }
        else
        {
            line.Begin("v1|sts"u8);
            line.Add(message.DeviceId);
            line.Add(message.StatusText);
            line.Add(message.Issue);
            line.Add(message.SentAt);
            line.Add(message.ConnectedAt);
            line.Add(message.CommandId);
            line.Add(message.Result);
        }

        return line.IsValid && Signatures.Verify(key, line.Bytes, message.Signature);
    }

    private enum Proof
    {
        None,
        Signature,
        Login,

        /// <summary>Registered as unsigned, and the operator allows that.</summary>
        Trust,
    }
}
