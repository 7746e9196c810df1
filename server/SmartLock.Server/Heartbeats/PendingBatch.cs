using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

/// <summary>What waits to be stored: per device the newest report, per command its verdicts. Not thread-safe.</summary>
internal sealed class PendingBatch
{
    // A device repeats its last verdict in every heartbeat, so what does not fit here comes again.
    private const int MaxVerdicts = 10_000;
    private readonly Dictionary<string, DeviceReport> _reports = new(StringComparer.Ordinal);
    private readonly Dictionary<(string DeviceId, string CommandId, string Result), PendingVerdict> _verdicts = [];
    private readonly Dictionary<string, ConnectionLoss> _losses = new(StringComparer.Ordinal);

    public int Devices => _reports.Count;

    public bool IsEmpty => _reports.Count == 0 && _verdicts.Count == 0 && _losses.Count == 0;

    public IEnumerable<PendingVerdict> Verdicts => _verdicts.Values;

    public void Add(DeviceReport report)
    {
        _reports[report.DeviceId] = _reports.TryGetValue(report.DeviceId, out var earlier) ? Merge(report, earlier) : report;

        // A report received after a loss is of a newer connection, or shows that the old one is alive.
        _losses.Remove(report.DeviceId);
    }

    public void Add(ConnectionLoss loss) => _losses[loss.DeviceId] = loss;

    /// <summary>False when there is no room.</summary>
    public bool TryAdd(PendingVerdict verdict)
    {
        if (_verdicts.Count >= MaxVerdicts)
        {
            return _verdicts.ContainsKey(KeyOf(verdict));
        }

        // By device too: another device's claim must not stand in the way of the right one's. By result: a second verdict may contradict the first.
        _verdicts.TryAdd(KeyOf(verdict), verdict);
        return true;
    }

    /// <summary>Takes back what could not be stored; what came in meanwhile is newer and stays.</summary>
    public void Restore(PendingBatch unsaved)
    {
        foreach (var report in unsaved._reports.Values)
        {
            _reports[report.DeviceId] = _reports.TryGetValue(report.DeviceId, out var later) ? Merge(later, report) : report;
        }

        foreach (var verdict in unsaved._verdicts.Values)
        {
            TryAdd(verdict);
        }

        foreach (var loss in unsaved._losses.Values)
        {
            if (_reports.GetValueOrDefault(loss.DeviceId) is not { } report || report.ReceivedAt <= loss.ReceivedAt)
            {
                _losses.TryAdd(loss.DeviceId, loss);
            }
        }
    }

    /// <summary>
    /// Moves out about as many devices, to be stored before the rest. All verdicts go first, somebody waits for them, with their devices'
    /// reports: whoever is told that a command is done was told the position of the bolt before. Losses stay for last, since they are judged by the reports.
    /// </summary>
    public PendingBatch TakePart(int devices)
    {
        var part = new PendingBatch();
        foreach (var (key, verdict) in _verdicts)
        {
            part._verdicts.Add(key, verdict);
            if (_reports.Remove(key.DeviceId, out var report))
            {
                part._reports.Add(key.DeviceId, report);
            }
        }

        _verdicts.Clear();
        foreach (var (deviceId, report) in _reports.Take(devices - part.Devices))
        {
            part._reports.Add(deviceId, report);
            _reports.Remove(deviceId);
        }

        return part;
    }

    private static (string DeviceId, string CommandId, string Result) KeyOf(PendingVerdict pending) =>
        (pending.Verdict.DeviceId, pending.Verdict.CommandId, pending.Verdict.Result);

    /// <summary>
    /// What the newer one leaves out, the older one said: as if both were stored, one after the other. Of two keys only the later one's counts.
    /// </summary>
    private static DeviceReport Merge(DeviceReport newer, DeviceReport older)
    {
        if (newer.KeyFrom != older.KeyFrom)
        {
            return newer.KeyFrom > older.KeyFrom ? newer : older;
        }

        return newer with
        {
            SentAt = Math.Max(newer.SentAt, older.SentAt),
            ConnectedAt = newer.ConnectedAt == 0 ? older.ConnectedAt : newer.ConnectedAt,
            OwnTopics = newer.OwnTopics ?? older.OwnTopics,
            Firmware = newer.Firmware ?? older.Firmware,
        };
    }

    public DeviceBatch ToBatch() => new(_reports.Values, [.. _verdicts.Values.Select(v => v.Verdict)], _losses.Values);
}

/// <param name="Device">Told once the verdict is stored, so that its next heartbeats cost nothing.</param>
internal sealed record PendingVerdict(Verdict Verdict, CachedDevice Device);
