using SmartLock.Mqtt.Broker.Persistence;

namespace SmartLock.Mqtt.Broker;

public sealed partial class MqttBroker
{
    private StateRestorer? _restorer;

    /// <summary>
    /// Loads what the store has kept; without a store it does nothing. No client is let in before: a host does this when it starts.
    /// </summary>
    public async Task RestoreAsync(CancellationToken ct = default)
    {
        if (_core.Journal is null || Interlocked.CompareExchange(ref _restorer, new StateRestorer(_core), null) is not null)
        {
            return;
        }

        await _restorer!.RunAsync(ct).ConfigureAwait(false);
        _core.IsReady = true;
    }

    /// <summary>
    /// Publishes the wills whose time came while the broker was down: once in-process subscribers are there to hear them. A host does this
    /// when all has started, at the latest.
    /// </summary>
    public void PublishOverdueWills() => _restorer?.PublishOverdueWills();

    /// <summary>What was changed last is stored, if the store takes it in time.</summary>
    private async Task SettleAsync(CancellationToken ct)
    {
        if (_core.Journal is not { } journal)
        {
            return;
        }

        try
        {
            await journal.WhenSettledAsync().WaitAsync(_core.Options.DrainTimeout, _core.Clock.Time, ct).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // The journal tells what is lost when it ends.
            return;
        }
    }
}
