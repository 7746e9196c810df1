using Microsoft.Extensions.DependencyInjection;
using SmartLock.Server;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Benchmarks;

/// <summary>Bytes that the server allocates for a request: in this process, whose load generator allocates nothing per request itself.</summary>
internal static class RestAllocations
{
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(1);

    /// <returns>One figure for each of the reads.</returns>
    public static async Task<double[]> MeasureAsync(string folder, IReadOnlyList<RestRead> reads)
    {
        await using var app = SmartLockServer.Create(
        [
            "--Urls=http://127.0.0.1:0",
            "--Mqtt:Address=127.0.0.1",
            "--Mqtt:Port=0",
            $"--Data:Folder={folder}",
            "--RateLimits:Commands:PermitsPerMinute=1000000",
            "--RateLimits:Reads:PermitsPerMinute=10000000",
            "--RateLimits:Anonymous:PermitsPerMinute=10000000",
            "--Logging:LogLevel:Default=Warning",
        ]);
        await app.StartAsync();
        var address = HttpEndpoints.AddressOf(app.Services);
        await using var account = await RestAccount.CreateAsync(address, app.Services.GetRequiredService<MqttListener>().EndPoint!.Port);
        var bytes = new double[reads.Count];
        for (var i = 0; i < reads.Count; i++)
        {
            var load = new HttpLoad(address.Port, reads[i].OurPath, reads[i].NeedsToken ? account.Token : null);
            await load.RunAsync(WarmUp);
            var before = GC.GetTotalAllocatedBytes();
            var requests = await load.RunAsync(Window);
            bytes[i] = (double)(GC.GetTotalAllocatedBytes() - before - HttpLoad.BufferBytes) / requests;
        }

        await app.StopAsync();
        return bytes;
    }
}
