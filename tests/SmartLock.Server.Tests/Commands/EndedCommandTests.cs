using System.Collections.Concurrent;
using System.Net;
using SmartLock.Mqtt;
using SmartLock.Server.Messaging;
using SmartLock.Testing;
using MqttProtocolVersion = MQTTnet.Formatter.MqttProtocolVersion;

namespace SmartLock.Server.Tests.Commands;

/// <summary>A command that has ended is delivered to nobody, least of all to a board that cannot check it.</summary>
public sealed class EndedCommandTests
{
    private const string DeviceId = "device-1";

    [Fact]
    public async Task A_command_that_an_unsigned_board_did_not_take_is_not_kept_for_its_return()
    {
        await using var app = await TestApp.StartAsync("--Devices:AllowUnsigned=true");
        var owner = await app.OwnerAsync();
        using var registered = await owner.Http.PostTextAsync("/api/locks", $$"""{"device_id":"{{DeviceId}}","name":"Door","unsigned":true}""");
        var password = (await registered.JsonAsync()).GetProperty("mqtt").GetProperty("password").GetString();
        var taken = new TaskCompletionSource();
        await using (var board = Board(_ => taken.TrySetResult(), neverAcknowledges: true))
        {
            await board.ConnectAsync();
            (await board.SubscribeAsync(Topics.Commands)).IsFailure().ShouldBeFalse();
            await board.PublishAsync("smartlock/status", $$"""{"device_id":"{{DeviceId}}","status":"Locked"}""");
            await Eventually.TrueAsync(
                async () =>
                {
                    using var answer = await owner.Http.PostTextAsync("/api/unlock", $$"""{"device_id":"{{DeviceId}}"}""");
                    return answer.StatusCode == HttpStatusCode.Accepted;
                },
                "the board is online and is sent the command");
            await taken.Task.WaitAsync(TimeSpan.FromSeconds(20));
            board.Abort();
        }

        var late = new ConcurrentQueue<TestMqttMessage>();
        await using var back = Board(late.Enqueue, neverAcknowledges: false);
        await back.ConnectAsync();

        back.IsSessionPresent.ShouldBeFalse();
        (await back.SubscribeAsync(Topics.Commands)).IsFailure().ShouldBeFalse();
        // What comes to it comes in order: once the new one is there, an old one would be too.
        using var next = await owner.Http.PostTextAsync("/api/lock", $$"""{"device_id":"{{DeviceId}}"}""");
        await Eventually.TrueAsync(() => !late.IsEmpty, "the next command came");
        late.ShouldHaveSingleItem().Text.ShouldContain("\"LOCK\"");

        TestMqttClient Board(Action<TestMqttMessage> onMessage, bool neverAcknowledges) => new(
            Door.BrokerOf(app).Port,
            builder => builder.WithCredentials(DeviceId, password).WithClientId("board").WithCleanStart(false).WithProtocolVersion(MqttProtocolVersion.V311),
            message =>
            {
                onMessage(message);
                return neverAcknowledges ? new TaskCompletionSource().Task : Task.CompletedTask;
            });
    }
}
