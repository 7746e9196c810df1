using SmartLock.Mqtt;
using SmartLock.Mqtt.Client;

namespace SmartLock.Server.Tests.Attacks;

/// <summary>The login that an operator may give to somebody who is to see all traffic: here it stands for whoever listens in.</summary>
internal static class Observer
{
    public const string Name = "watcher";
    public const string Password = "sees everything";

    public static string[] Settings { get; } = [$"--Mqtt:Observers:0:Name={Name}", $"--Mqtt:Observers:0:Password={Password}"];

    /// <summary>Connected and subscribed to all there is.</summary>
    public static async Task<MqttClient> ConnectAsync(TestApp app, Action<MqttReceivedMessage> onMessage)
    {
        var client = Login.Client(app, Name, Password, onMessage: onMessage);
        await client.ConnectAsync();
        (await client.SubscribeAsync("smartlock/#", MqttQoS.AtLeastOnce)).IsFailure().ShouldBeFalse();
        return client;
    }
}

/// <summary>MQTT clients on the app's own broker, under any name.</summary>
internal static class Login
{
    public static MqttClient Client(
        TestApp app,
        string? userName,
        string? password,
        Func<MqttClientOptions, MqttClientOptions>? adjust = null,
        Action<MqttReceivedMessage>? onMessage = null)
    {
        var broker = Door.BrokerOf(app);
        var options = new MqttClientOptions
        {
            Host = broker.Address.ToString(),
            Port = broker.Port,
            UserName = userName,
            Password = password,
            // The clocks of these tests jump; a keep-alive would be missed.
            KeepAlive = TimeSpan.Zero,
        };
        return new MqttClient(adjust?.Invoke(options) ?? options, (message, _) =>
        {
            onMessage?.Invoke(message);
            return ValueTask.CompletedTask;
        });
    }
}
