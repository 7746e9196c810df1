using Microsoft.Extensions.DependencyInjection;
using SmartLock.Mqtt;
using SmartLock.Mqtt.Broker;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>Somebody who tries passwords on the embedded broker: all from one address, the devices' own.</summary>
public sealed class BrokerGuessingTests
{
    [Fact]
    public async Task An_observers_password_cannot_be_tried_on_and_on_and_is_good_again_after_a_while()
    {
        await using var app = await TestApp.StartAsync(new FakeClock(), null, null, Observer.Settings);
        for (var i = 0; i < 6; i++)
        {
            await ShouldBeRefusedAsync(app, Observer.Name, "guess");
        }

        // Not looked at any more: not even the right one tells itself from the others.
        await ShouldBeRefusedAsync(app, Observer.Name, Observer.Password);
        app.Clock.Advance(TimeSpan.FromMinutes(1));
        await using var observer = await Observer.ConnectAsync(app, _ => { });
        observer.IsConnected.ShouldBeTrue();
    }

    [Fact]
    public async Task No_number_of_wrong_logins_keeps_a_device_at_the_same_address_out()
    {
        await using var app = await TestApp.StartAsync(new FakeClock(), null, null, Observer.Settings);
        await using var door = await Door.NewAsync(await app.OwnerAsync(), Door.BrokerOf(app), "ESP32-HOME");
        for (var i = 0; i < 100; i++)
        {
            await ShouldBeRefusedAsync(app, door.DeviceId, "guess");
        }

        await using var device = Login.Client(app, door.DeviceId, Signatures.MqttPassword(door.Key, door.DeviceId));
        await device.ConnectAsync();
        device.IsConnected.ShouldBeTrue();
    }

    [Fact]
    public async Task A_wrong_login_waits_for_its_answer_as_long_as_the_operator_says()
    {
        var clock = new FakeClock();
        await using var app = await TestApp.StartAsync(clock, null, null, "--Mqtt:RefusalDelay=00:00:03");
        await using var stranger = Login.Client(app, "nobody", "nothing");
        var refused = stranger.TryConnectAsync();
        var broker = app.Services.GetRequiredService<MqttBroker>();
        await Eventually.TrueAsync(() => broker.GetStatistics().DelayedRefusals == 1, "it waits");
        clock.Advance(TimeSpan.FromSeconds(2.9));
        broker.GetStatistics().ConnectionsRefused.ShouldBe(0);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        (await refused).ShouldBe(MqttReasonCode.BadUserNameOrPassword);
    }

    [Theory]
    [InlineData("--Mqtt:MaxConnections=0")]
    [InlineData("--Mqtt:MaxConnections=2000000000")]
    [InlineData("--Http:MaxConnections=2000000000")]
    [InlineData("--Http:MaxConnectionsPerNetwork=0")]
    [InlineData("--Live:MaxStreams=900000")]
    [InlineData("--Mqtt:MaxConnectingPerAddress=0")]
    [InlineData("--Mqtt:RefusalDelay=00:01:00")]
    public async Task Limits_that_make_no_sense_end_the_start(string setting)
    {
        var name = setting[2..setting.IndexOf('=', StringComparison.Ordinal)];
        SmartLock.Server.Cli.Startup.Explain(await Should.ThrowAsync<Exception>(() => TestApp.StartAsync(setting))).ShouldNotBeNull().ShouldContain(name);
    }

    private static async Task ShouldBeRefusedAsync(TestApp app, string name, string password)
    {
        await using var client = Login.Client(app, name, password);
        (await client.TryConnectAsync()).ShouldBe(MqttReasonCode.BadUserNameOrPassword);
    }
}
