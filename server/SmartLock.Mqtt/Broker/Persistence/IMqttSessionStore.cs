namespace SmartLock.Mqtt.Broker.Persistence;

/// <summary>
/// Where a broker keeps what its clients may rely on beyond its own life: sessions that outlive their connections with their
/// subscriptions and messages, retained messages, and wills that are still to come. Register one beside the broker; without it all that
/// is kept in memory only. Used by one broker at a time.
/// </summary>
public interface IMqttSessionStore
{
    /// <summary>
    /// Gives all that is kept, each thing as the change that makes it: a session before what belongs to it, its subscriptions oldest first,
    /// its messages by sequence, and a message before what is known of its receipt.
    /// </summary>
    /// <param name="take">Copies what it needs: memory is the store's own again when it returns.</param>
    /// <param name="ct">Ends the start of the broker.</param>
    ValueTask LoadAsync(Action<MqttSessionChange> take, CancellationToken ct);

    /// <summary>
    /// Makes all of the changes, in their order, or none; they outlive the process and the machine's power when this returns. One call at a
    /// time. After an exception the same changes come again, until they are taken: nothing that rests on them is acknowledged before.
    /// </summary>
    /// <param name="changes">Their memory is the broker's again when the task ends.</param>
    /// <param name="ct">The broker has waited long enough for its end.</param>
    ValueTask CommitAsync(IReadOnlyList<MqttSessionChange> changes, CancellationToken ct);
}
