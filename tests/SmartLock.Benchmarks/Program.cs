using SmartLock.Benchmarks;

// Verbs for people, each a row or more of the table in docs/performance.md; then those that the program starts itself with.
var verbs = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["broker"] = BrokerVerb.RunAsync,
    ["commands"] = _ => UnlockLatency.RunAsync(),
    ["fleet"] = ConnectedFleet.RunAsync,
    ["device-cost"] = DeviceCost.RunAsync,
    ["audit-verify"] = _ => AuditVerify.RunAsync(),
    ["rest"] = RestReads.RunAsync,
    ["micro"] = Micro.RunAsync,
    ["ingest"] = Ingest.RunAsync,
    ["sweep"] = _ => Sweep.RunAsync(),
};
var hosts = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["broker-crowd"] = Crowd.RunAsync,
    ["broker-host"] = BrokerHost.RunAsync,
    [DeviceCostHost.Verb] = DeviceCostHost.RunAsync,
    ["ingest-host"] = IngestHost.RunAsync,
};

if (args is [var verb, .. var rest] && (verbs.TryGetValue(verb, out var run) || hosts.TryGetValue(verb, out run)))
{
    return await run(rest);
}

Console.Error.WriteLine($"usage: SmartLock.Benchmarks {string.Join(" | ", verbs.Keys)}");
return 2;
