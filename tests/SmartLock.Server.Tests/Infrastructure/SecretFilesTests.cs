using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using SmartLock.Server.Infrastructure;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class SecretFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("smartlock-secrets-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_file_is_the_setting_of_its_name_unless_an_argument_says_otherwise()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "Mqtt__MaxConnections"), "77\n");
        await File.WriteAllTextAsync(Path.Combine(_folder, "Mqtt__MaxConnectingPerAddress"), "66\n");

        await using var app = await TestApp.StartAsync($"--Secrets:Folder={_folder}", "--Mqtt:MaxConnectingPerAddress=55");

        var mqtt = app.Services.GetRequiredService<IOptions<MqttOptions>>().Value;
        mqtt.MaxConnections.ShouldBe(77);
        mqtt.MaxConnectingPerAddress.ShouldBe(55);
    }

    [Fact]
    public async Task A_file_that_names_no_setting_ends_the_start()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "Mqtt__Pasword"), "x");

        var failure = await Should.ThrowAsync<StartupException>(() => TestApp.StartAsync($"--Secrets:Folder={_folder}"));

        failure.Message.ShouldContain("Pasword");
    }

    [Fact]
    public void A_folder_that_is_not_there_is_named()
    {
        using var configuration = new ConfigurationManager();
        configuration[SecretFiles.Setting] = Path.Combine(_folder, "nowhere");

        Should.Throw<StartupException>(() => SecretFiles.AddTo(configuration)).Message.ShouldContain("nowhere");
    }
}
