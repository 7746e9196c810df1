using MQTTnet;
using SmartLock.Mqtt;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>The login that an operator may give to somebody who is to see all traffic; in these tests, whoever eavesdrops.</summary>
internal static class Observer
{
    public const string Name = "watcher";
    public const string Password = "sees everything";

    public static string[] Settings { get; } = [$"--Mqtt:Observers:0:Name={Name}", $"--Mqtt:Observers:0:Password={Password}"];

    /// <summary>Connected and subscribed to all topics.</summary>
    public static async Task<TestMqttClient> ConnectAsync(TestApp app, Action<TestMqttMessage> onMessage)
    {
        var client = Login.Client(app, Name, Password, onMessage: onMessage);
        await client.ConnectAsync();
        (await client.SubscribeAsync("smartlock/#")).IsFailure().ShouldBeFalse();
        return client;
    }
}

/// <summary>MQTT clients on the app's own broker, under any name.</summary>
internal static class Login
{
    public static TestMqttClient Client(
        TestApp app,
        string? userName,
        string? password,
        Action<MqttClientOptionsBuilder>? configure = null,
        Action<TestMqttMessage>? onMessage = null)
    {
        return new TestMqttClient(
            Door.BrokerOf(app).Port,
            builder =>
            {
                if (userName is not null)
                {
                    builder.WithCredentials(userName, password);
                }

                configure?.Invoke(builder);
            },
            message =>
            {
                onMessage?.Invoke(message);
                return Task.CompletedTask;
            });
    }
}
