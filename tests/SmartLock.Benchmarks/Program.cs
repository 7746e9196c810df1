using SmartLock.Benchmarks;

// Verbs for people, each a row or more of the table in docs/performance.md; then those that the program starts itself with.
var verbs = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["broker-fan-in"] = _ => BrokerFanIn.RunAsync(),
    ["commands"] = _ => UnlockLatency.RunAsync(),
    ["audit-verify"] = _ => AuditVerify.RunAsync(),
    ["ingest"] = Ingest.RunAsync,
    ["sweep"] = _ => Sweep.RunAsync(),
};
var hosts = new Dictionary<string, Func<string[], Task<int>>>(StringComparer.Ordinal)
{
    ["broker-host"] = _ => BrokerHost.RunAsync(),
    ["ingest-host"] = IngestHost.RunAsync,
};

if (args is [var verb, .. var rest] && (verbs.TryGetValue(verb, out var run) || hosts.TryGetValue(verb, out run)))
{
    return await run(rest);
}

Console.Error.WriteLine($"usage: SmartLock.Benchmarks {string.Join(" | ", verbs.Keys)}");
return 2;
