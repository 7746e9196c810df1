using SmartLock.Benchmarks;

return args switch
{
    ["broker-fan-in"] => await BrokerFanIn.RunAsync(),
    ["unlock-latency"] => await UnlockLatency.RunAsync(),
    ["audit-verify"] => await AuditVerify.RunAsync(),
    ["broker-host"] => await BrokerHost.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: SmartLock.Benchmarks broker-fan-in | unlock-latency | audit-verify");
    return 2;
}
