namespace SmartLock.Mqtt.Broker;

/// <summary>
/// Who guesses waits for each answer, and so does a client that tries a wrong password in a tight loop. The connection holds nothing
/// meanwhile, and stands in nobody's way.
/// </summary>
internal sealed partial class BrokerConnection
{
    private bool _isRefused;

    /// <summary>Ends the wait: the time is over, or others wait in line.</summary>
    public void TellRefusal() => _transport.Input.CancelPendingRead();

    /// <returns>False when the client did not wait.</returns>
    private async ValueTask<bool> WaitWithRefusalAsync(MqttReasonCode reason, CancellationToken ct)
    {
        if (_core.Options.RefusalDelay <= TimeSpan.Zero || reason is MqttReasonCode.ServerUnavailable or MqttReasonCode.ServerBusy)
        {
            return true;
        }

        Volatile.Write(ref _isRefused, true);
        _core.Deadlines.Set(this, _core.Clock.Now + (long)_core.Options.RefusalDelay.TotalMilliseconds);
        _core.Connections.Refuse(this);
        while (!IsClosing)
        {
            var result = await _transport.Input.ReadAsync(ct).ConfigureAwait(false);
            // What it sends to nobody is not kept.
            _transport.Input.AdvanceTo(result.Buffer.End);
            if (result.IsCanceled)
            {
                return !IsClosing;
            }

            if (result.IsCompleted)
            {
                break;
            }
        }

        _core.Counters.ConnectionRefused();
        return false;
    }
}
