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

    /// <summary>Proven, but not what the protocol has.</summary>
    Malformed,
}

/// <summary>Who said it: what the broker knows about the connection that a status came over.</summary>
internal enum StatusSource
{
    /// <summary>An outside broker, whose logins are unknown here.</summary>
    Anyone,

    /// <summary>The embedded broker, logged in as the very device the status speaks of.</summary>
    OwnLogin,
}

/// <summary>What speaks for a status, found out before anything but its device id is read.</summary>
internal enum StatusProof
{
    /// <summary>Nothing, and there is no signature either.</summary>
    None,
    BadSignature,

    /// <summary>Signed as a status or heartbeat.</summary>
    Status,

    /// <summary>Signed as a last will.</summary>
    Will,
    Login,

    /// <summary>Registered as unsigned, and the operator allows that on an outside broker.</summary>
    Trust,
}

/// <summary>Whether a status is believed. Pure.</summary>
internal static class StatusBelief
{
    /// <summary>
    /// How far a device's clock may be ahead. Were a status from next year believed, every rightly dated one would be a replay until then.
    /// </summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromMinutes(5);

    public static StatusProof ProofOf(ReadOnlySpan<byte> payload, StatusSource source, byte[] key, bool unsignedAllowed)
    {
        if (source is StatusSource.OwnLogin)
        {
            return StatusProof.Login;
        }

        if (!Signatures.HasSignature(payload))
        {
            return unsignedAllowed ? StatusProof.Trust : StatusProof.None;
        }

        if (Signatures.Verify(key, Signatures.ForStatus, payload))
        {
            return StatusProof.Status;
        }

        // Only wills hold this word: a wrongly signed heartbeat costs one MAC.
        return payload.IndexOf("Unavailable"u8) >= 0 && Signatures.Verify(key, Signatures.ForWill, payload)
            ? StatusProof.Will
            : StatusProof.BadSignature;
    }

    /// <param name="proof">Neither none nor a bad signature: with those a message is not read.</param>
    /// <param name="device">What was believed of the device so far.</param>
    public static Belief Of(in StatusMessage message, StatusProof proof, CachedDevice device, DateTimeOffset now)
    {
        // Signed as the one and worded as the other: nobody who has the key says that.
        if (IsSigned(proof) && message.IsWill != proof is StatusProof.Will)
        {
            return Belief.BadSignature;
        }

        if (message.IsWill)
        {
            return IsOfPresentConnection(message, proof, device) ? Belief.Believed : Belief.OldConnection;
        }

        // Over its own login a device cannot be replayed by others, and after a power cut its clock may have stepped back.
        if (!IsSigned(proof))
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

    public static bool IsSigned(StatusProof proof) => proof is StatusProof.Status or StatusProof.Will;

    /// <summary>
    /// Another replica may have received a status of a later connection: the store decides. Over the device's own login there is no other replica.
    /// </summary>
    private static bool IsOfPresentConnection(in StatusMessage will, StatusProof proof, CachedDevice device)
    {
        var connectedAt = will.ConnectedAt ?? 0;
        return connectedAt == device.ConnectedAt || (proof is not StatusProof.Login && connectedAt > device.ConnectedAt);
    }
}
