using System.Globalization;
using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Telemetry;
using SmartLock.Server.Tests.Webhooks;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Telemetry;

/// <summary>What leaves the process for a collector, and that nothing does unless one is named.</summary>
public sealed class OtlpExportTests
{
    [Theory]
    [InlineData("Telemetry:OtlpEndpoint")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINT")]
    public async Task With_an_endpoint_spans_and_metrics_are_exported_and_the_problems_trace_id_is_the_exported_one(string setting)
    {
        await using var collector = await OtlpReceiver.StartAsync();
        string traceId;
        await using (var app = await TestApp.StartAsync($"--{setting}={collector.Address}"))
        {
            var somebody = await app.OwnerAsync();
            using var answer = await somebody.Http.PostTextAsync("/api/unlock", """{"device_id":"ESP32-NONE"}""");
            traceId = (await answer.ShouldBeProblemAsync(HttpStatusCode.NotFound, "lock_not_found")).GetProperty("traceId").GetString()!;
            (await app.Http.GetAsync("/health/ready")).StatusCode.ShouldBe(HttpStatusCode.OK);

            // Stopping sends what is left.
            await app.StopAsync();
        }

        collector.Has("/v1/traces", TelemetryNames.IssueSpan).ShouldBeTrue();
        collector.Has("/v1/traces", "POST /api/unlock").ShouldBeTrue();
        collector.Has("/v1/traces", Convert.FromHexString(traceId)).ShouldBeTrue();
        collector.Has("/v1/traces", "/health/").ShouldBeFalse();
        collector.Has("/v1/metrics", TelemetryNames.Commands).ShouldBeTrue();
        collector.Has("/v1/metrics", "mqtt.broker.connections").ShouldBeTrue();
        collector.Has("/v1/metrics", "http.server.request.duration").ShouldBeTrue();
        collector.Has("/v1/traces", "smartlock").ShouldBeTrue();
        collector.Received.ShouldAllBe(r => r.ContentType == "application/x-protobuf");
    }

    [Fact]
    public async Task Neither_paths_and_queries_nor_the_names_of_webhooks_receivers_are_in_what_is_measured()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var receiver = await Receiver.StartAsync();
        await using (var app = await TestApp.StartAsync([.. Hook.Settings, $"--Telemetry:OtlpEndpoint={collector.Address}"]))
        {
            var somebody = await app.OwnerAsync();
            somebody.Http.DefaultRequestHeaders.UserAgent.ParseAdd("AGENT-SECRET");
            (await somebody.Http.GetAsync("/api/locks/PATH-SECRET/shares")).StatusCode.ShouldBe(HttpStatusCode.NotFound);
            (await somebody.Http.GetAsync("/api/locks/PATH-SECRET/shares?access_token=QUERY-SECRET")).StatusCode.ShouldBe(HttpStatusCode.BadRequest);
            var hook = await Hook.CreateAsync(somebody, receiver.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal));
            await hook.InStateAsync(await hook.TestAsync(), "delivered");
            await app.StopAsync();
        }

        collector.Has("/v1/traces", "http.route").ShouldBeTrue();
        collector.Has("/v1/traces", "PATH-SECRET").ShouldBeFalse();
        collector.Has("/v1/traces", "QUERY-SECRET").ShouldBeFalse();
        collector.Has("/v1/traces", "query-secret").ShouldBeFalse();
        collector.Has("/v1/traces", "access_token").ShouldBeFalse();
        collector.Has("/v1/traces", "AGENT-SECRET").ShouldBeFalse();
        collector.Has("/v1/logs", "QUERY-SECRET").ShouldBeFalse();
        collector.Has("/v1/metrics", "http.client.request.duration").ShouldBeTrue();
        collector.Has("/v1/metrics", "localhost").ShouldBeFalse();
    }

    [Fact]
    public async Task A_collector_that_speaks_grpc_is_served_too()
    {
        await using var collector = await OtlpReceiver.StartAsync(HttpProtocols.Http2);
        await using (var app = await TestApp.StartAsync($"--OTEL_EXPORTER_OTLP_ENDPOINT={collector.Address}", "--OTEL_EXPORTER_OTLP_PROTOCOL=grpc"))
        {
            await app.OwnerAsync();
            await app.StopAsync();
        }

        collector.Has("/opentelemetry.proto.collector.trace.v1.TraceService/Export", "POST /api/auth/login").ShouldBeTrue();
        collector.Has("/opentelemetry.proto.collector.metrics.v1.MetricsService/Export", TelemetryNames.StoreWritesQueued).ShouldBeTrue();
    }

    [Fact]
    public async Task Logs_are_exported_too()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        var folder = Directory.CreateTempSubdirectory("smartlock-otlp-").FullName;
        await using (var app = SmartLockServer.Create(
            ["--environment=Testing", "--Urls=http://127.0.0.1:0", "--Mqtt:Port=0", $"--Data:Folder={folder}", $"--Telemetry:OtlpEndpoint={collector.Address}", "--Logging:Console:LogLevel:Default=None"]))
        {
            await app.StartAsync();
            await app.StopAsync();
        }

        collector.Has("/v1/logs", "smartlock.db").ShouldBeTrue("the store says which file it opened");
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("http/protobuf")]
    [InlineData("grpc")]
    public async Task A_collector_that_is_away_keeps_the_server_neither_from_its_work_nor_from_its_end(string protocol)
    {
        var nobody = FreePort.Next().ToString(CultureInfo.InvariantCulture);
        await using var app = await TestApp.StartAsync($"--Telemetry:OtlpEndpoint=http://127.0.0.1:{nobody}", $"--Telemetry:OtlpProtocol={protocol}");

        (await (await app.OwnerAsync()).Http.GetAsync("/api/me")).StatusCode.ShouldBe(HttpStatusCode.OK);

        await app.StopAsync().WaitAsync(TimeSpan.FromSeconds(15));
    }

    [Theory]
    [InlineData("--Telemetry:OtlpEndpoint=")]
    [InlineData("--OTEL_SDK_DISABLED=true")]
    public async Task Nothing_is_exported_unless_an_endpoint_is_named_and_export_not_switched_off(string last)
    {
        await using var collector = await OtlpReceiver.StartAsync();
        string[] named = last.EndsWith('=') ? [] : [$"--Telemetry:OtlpEndpoint={collector.Address}"];
        await using var app = await TestApp.StartAsync([.. named, last]);

        await app.OwnerAsync();
        app.Services.GetServices<IHostedService>().OfType<TelemetryExport>().ShouldBeEmpty();
        await app.StopAsync();

        collector.Received.ShouldBeEmpty();
    }

    [Theory]
    [InlineData("--Telemetry:OtlpEndpoint=collector", "Telemetry:OtlpEndpoint must be a URL such as http://collector:4318.")]
    [InlineData("--OTEL_EXPORTER_OTLP_ENDPOINT=ftp://collector", "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://collector:4318.")]
    [InlineData("--Telemetry:OtlpEndpoint=http://me:secret@collector:4318", "Telemetry:OtlpEndpoint must not hold a password")]
    [InlineData("--Telemetry:OtlpEndpoint=http://127.0.0.1:9 --Telemetry:OtlpProtocol=smoke", "Telemetry:OtlpProtocol must be http/protobuf or grpc.")]
    [InlineData("--Telemetry:Endpoint=http://127.0.0.1", "has no setting 'Endpoint'")]
    public async Task A_wrong_setting_ends_the_start_by_name(string settings, string message)
    {
        var failure = await Should.ThrowAsync<StartupException>(() => TestApp.StartAsync(settings.Split(' ')));

        failure.Message.ShouldContain(message);
        failure.Message.ShouldNotContain("secret");
    }
}
