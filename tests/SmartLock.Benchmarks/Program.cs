using SmartLock.Benchmarks;

return args switch
{
    ["broker-fan-in"] => await BrokerFanIn.RunAsync(),
    ["broker-host"] => await BrokerHost.RunAsync(),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine("usage: SmartLock.Benchmarks broker-fan-in");
    return 2;
}
