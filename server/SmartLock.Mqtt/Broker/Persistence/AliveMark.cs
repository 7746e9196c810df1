namespace SmartLock.Mqtt.Broker.Persistence;

/// <summary>
/// A sign of life in the store while clients with stored sessions are connected: after a crash, how long they have been away is counted
/// from it.
/// </summary>
internal sealed class AliveMark(BrokerCore core) : Deadline
{
    public static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    public void Start() => core.Deadlines.Set(this, core.Clock.Now + (long)Every.TotalMilliseconds);

    public override void OnDue(long now)
    {
        Start();
        if (core.Journal!.IsFull || !core.Sessions.AnyStoredConnected())
        {
            return;
        }

        var turn = default(Turn);
        core.Journal.Append(new MqttBrokerAlive(core.Clock.Time.GetUtcNow()), ref turn);
        turn.End(core.Counters);
    }
}
