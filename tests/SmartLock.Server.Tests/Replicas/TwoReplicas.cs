using System.Globalization;
using SmartLock.Testing;
using SmartLock.VirtualDevice;

namespace SmartLock.Server.Tests.Replicas;

/// <summary>Two servers on one store and one mosquitto, which hands each of them half of what the devices say.</summary>
internal sealed class TwoReplicas : IAsyncDisposable
{
    private readonly string _folder;

    private TwoReplicas(Mosquitto broker, TestApp first, TestApp second, string folder)
    {
        Broker = broker;
        First = first;
        Second = second;
        _folder = folder;
    }

    public Mosquitto Broker { get; }

    public TestApp First { get; }

    public TestApp Second { get; }

    /// <param name="settings">Beside those that make them replicas.</param>
    public static async Task<TwoReplicas> StartAsync(params string[] settings)
    {
        Assert.SkipWhen(Mosquitto.Executable is null, "mosquitto is not installed");
        var broker = await Mosquitto.StartNewAsync();
        var folder = Directory.CreateTempSubdirectory("smartlock-replicas-").FullName;
        var first = await StartAppAsync(broker.Port, folder, settings);
        var second = await StartAppAsync(broker.Port, folder, settings);
        foreach (var app in (TestApp[])[first, second])
        {
            await Eventually.TrueAsync(() => IsReadyAsync(app), "the replica hears the devices");
        }

        return new TwoReplicas(broker, first, second, folder);
    }

    /// <summary>A server on the same store, whose broker is at that port.</summary>
    public static Task<TestApp> StartAppAsync(int port, string folder, params string[] settings) => TestApp.StartAsync(
        null,
        null,
        null,
        [
            "--Mqtt:Mode=External",
            "--Mqtt:Host=127.0.0.1",
            string.Create(CultureInfo.InvariantCulture, $"--Mqtt:Port={port}"),
            $"--Data:Folder={folder}",
            .. settings,
        ]);

    /// <summary>The same session on the other server.</summary>
    public SignedIn OnSecond(SignedIn user) => Second.SignedInWith(user.Username, user.Token);

    /// <summary>Registered at the first, switched on, and reported.</summary>
    public async Task<Door> OpenAsync(SignedIn owner, string deviceId)
    {
        var door = await Door.NewAsync(owner, Broker.EndPoint, deviceId, Quick);
        await door.SwitchOnAsync();
        return door;
    }

    public async ValueTask DisposeAsync()
    {
        await First.DisposeAsync();
        await Second.DisposeAsync();
        await Broker.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private static VirtualLockOptions Quick(VirtualLockOptions options) => options with
    {
        ShortestReconnectWait = TimeSpan.FromMilliseconds(100),
        LongestReconnectWait = TimeSpan.FromMilliseconds(500),
    };

    private static async Task<bool> IsReadyAsync(TestApp app)
    {
        using var answer = await app.Http.GetAsync("/health/ready");
        return answer.IsSuccessStatusCode;
    }
}
