using System.Globalization;
using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using SmartLock.Server.Messaging;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Deploy;

/// <summary>What the files that deploy the server say of it is so.</summary>
public sealed partial class DeployFilesTests
{
    private static readonly ComposeFile Compose = ComposeFile.Read();
    private static readonly DockerFile Docker = DockerFile.Read();

    [Fact]
    public void Every_setting_that_compose_and_the_image_set_exists()
    {
        var server = Compose.Services["server"];
        string[] names =
        [
            .. server.Environment.Keys,
            .. server.Secrets.Select(s => s.Target),
            .. Docker.Environment.Keys.Where(k => k.Contains("__", StringComparison.Ordinal) || k == "PORT"),
        ];

        names.Length.ShouldBeGreaterThan(10);
        names.Where(n => !Settings.Exists(n)).ShouldBeEmpty();
        Settings.Exists("Mqtt__Prot").ShouldBeFalse("this test tells what there is not");
    }

    [Fact]
    public void Secrets_are_files_that_the_script_makes_and_nothing_else()
    {
        var script = Read("server/deploy/make-secrets");
        Compose.Secrets.ShouldNotBeEmpty();
        foreach (var (name, file) in Compose.Secrets)
        {
            file.ShouldBe($"./server/deploy/secrets/{name}");
            script.ShouldContain($"make \"$secrets/{name}\" ");
        }

        var used = Compose.Services.Values.SelectMany(s => s.Secrets.Select(x => x.Source)).ToHashSet();
        used.ShouldBe(Compose.Secrets.Keys, ignoreOrder: true);
        Read(".gitignore").Split('\n').ShouldContain("/server/deploy/secrets/");
        Read(".gitignore").Split('\n').ShouldContain("/.env");
        var named = Compose.Services.Values.SelectMany(s => s.Environment.Keys).Concat(Docker.Environment.Keys);
        named.Where(k => SecretName().IsMatch(k)).ShouldBeEmpty("the environment is no place for a secret that a file can hold");
        string[] files = ["docker-compose.yml", "railway.json", "server/Dockerfile", "server/deploy/mosquitto.conf", "server/deploy/mosquitto.acl"];
        files.Where(f => LongRandom().IsMatch(Read(f).Replace("transactionLifetimeLimitSeconds", "", StringComparison.Ordinal))).ShouldBeEmpty();
    }

    [Fact]
    public void Every_container_is_confined()
    {
        foreach (var (name, service) in Compose.Services)
        {
            service.Single("read_only").ShouldBe("true", name);
            service.List("cap_drop", ComposeFile.Text).ShouldBe(["ALL"], name);
            service.List("security_opt", ComposeFile.Text).ShouldBe(["no-new-privileges:true"], name);
            service.Single("user").ShouldStartWith("${SMARTLOCK_UID:?", Case.Sensitive, name);
        }

        var lasting = Compose.Services.Where(s => !s.Value.Single("restart").StartsWith("on-failure", StringComparison.Ordinal)).ToList();
        lasting.Count.ShouldBe(3);
        lasting.Where(s => s.Key != "server" && !s.Value.HasHealthCheck).ShouldBeEmpty("the server's own is in its image");
        Docker.Last("USER").ShouldBe("$APP_UID");
        string[] written = ["HOME", "TMPDIR", "Data__Folder"];
        written.ShouldAllBe(variable => Docker.Environment[variable] == "/data", "all else may be read-only");
    }

    [Fact]
    public void Every_container_has_a_bound_of_memory_and_the_broker_one_of_connections_that_fits()
    {
        Compose.Services.Values.ShouldAllBe(service => service.Single("mem_limit") == "1g");
        Compose.Services.Values.ShouldAllBe(service => service.OpenFiles == 65_536);
        var conf = Read("server/deploy/mosquitto.conf");
        var connections = MostConnections().Matches(conf).Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture)).ToList();
        connections.Count.ShouldBe(Listener().Count(conf), "each listener has its own");
        connections.Sum().ShouldBeLessThan(65_536 - 1_000);
        long.Parse(MostMemory().Match(conf).Groups[1].Value, CultureInfo.InvariantCulture).ShouldBeLessThan(1L << 30);
    }

    [Fact]
    public void Every_image_has_a_version()
    {
        var images = Docker.All("FROM").Select(f => f.Split(' ')[0]).Concat(Compose.Services.Values.Select(s => s.Image).Where(i => i != "smartlock-server"));

        images.ShouldAllBe(i => Regex.IsMatch(i, @":\d+\.\d+"));
    }

    [Fact]
    public void The_ports_agree()
    {
        var port = Docker.Environment["PORT"];
        var exposed = Docker.Last("EXPOSE").Split(' ');
        exposed.ShouldBe([port, Number(new MqttOptions().Port), Number(new MqttOptions().TlsPort)]);
        Compose.Services["server"].Ports.ShouldBe([$"127.0.0.1:{port}:{port}"], "plain HTTP is for this machine only");

        var listeners = Listener().Matches(Read("server/deploy/mosquitto.conf")).Select(m => m.Groups[1].Value).ToList();
        var published = Compose.Services["mosquitto"].Ports.Select(p => p.Split(':')[^1]).ToList();
        published.ShouldBe([Number(new MqttOptions().TlsPort)]);
        listeners.ShouldBe([.. published, Compose.Services["server"].Environment["Mqtt__Port"]]);
        Compose.Services["mongodb"].Ports.ShouldBeEmpty();
    }

    [Fact]
    public void Every_file_that_is_mounted_is_in_the_repository_or_made_by_the_script()
    {
        var script = Read("server/deploy/make-secrets");
        foreach (var source in Compose.Services.Values.SelectMany(s => s.Mounts).Select(m => m.Source[2..]))
        {
            var parts = source.Split('/');
            var made = parts is ["server", "deploy", "data" or "secrets", ..] && script.Contains(parts[3], StringComparison.Ordinal);
            (made || File.Exists(Path.Combine(SourceTree.Root, source))).ShouldBeTrue(source);
        }
    }

    [Fact]
    public void The_image_builds_every_project_of_the_server()
    {
        var projects = ProjectsOf("server/SmartLock.Server/SmartLock.Server.csproj");
        Docker.Sources.Where(s => s.EndsWith(".csproj", StringComparison.Ordinal)).ShouldBe(projects, ignoreOrder: true);
        projects.ShouldAllBe(p => p.StartsWith("server/", StringComparison.Ordinal));
        var ignored = Read(".dockerignore").Split('\n');
        ignored.ShouldContain("server/SmartLock.Demo");
        foreach (var source in Docker.Sources)
        {
            Directory.EnumerateFileSystemEntries(SourceTree.Root, source).ShouldNotBeEmpty(source);
            ignored.ShouldContain(line => line == "!" + source || line == "!" + source.Split('/')[0] || (line == "!Directory.*.props" && source.StartsWith("Directory.", StringComparison.Ordinal)), source);
        }

        Docker.Words("ENTRYPOINT").ShouldBe(["/app/" + typeof(SmartLockServer).Assembly.GetName().Name]);
        Docker.Words("HEALTHCHECK").ShouldBe([.. Docker.Words("ENTRYPOINT"), "health"]);
    }

    [Fact]
    public async Task Railway_asks_for_readiness_where_the_server_says_it()
    {
        var railway = JsonDocument.Parse(Read("railway.json")).RootElement;
        var build = railway.GetProperty("build");
        build.GetProperty("builder").GetString().ShouldBe("DOCKERFILE");
        File.Exists(Path.Combine(SourceTree.Root, build.GetProperty("dockerfilePath").GetString()!)).ShouldBeTrue();
        build.GetProperty("watchPatterns").EnumerateArray().Select(p => p.GetString()!.TrimStart('!').Split('*')[0])
            .ShouldAllBe(p => Directory.Exists(Path.Combine(SourceTree.Root, p)) || Directory.GetFiles(SourceTree.Root, p + "*").Length > 0);
        var deploy = railway.GetProperty("deploy");
        deploy.GetProperty("drainingSeconds").GetInt32().ShouldBe((int)SmartLock.Server.Cli.CommandLine.EndsWithin.TotalSeconds);
        Compose.Services["server"].Single("stop_grace_period").ShouldBe($"{deploy.GetProperty("drainingSeconds").GetInt32()}s");

        var port = FreePort.Next();
        await using var app = await TestApp.StartAsync("--Urls=", $"--PORT={port}");
        app.Address.ShouldBe(new Uri($"http://0.0.0.0:{port}"));
        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri($"http://127.0.0.1:{port}{deploy.GetProperty("healthcheckPath").GetString()}"));
        answer.StatusCode.ShouldBe(HttpStatusCode.OK);
    }

    /// <summary>The project and all that it needs at run time, as paths from the root.</summary>
    private static HashSet<string> ProjectsOf(string project)
    {
        var folder = Path.GetDirectoryName(Path.Combine(SourceTree.Root, project))!;
        var references = XDocument.Parse(Read(project)).Descendants("ProjectReference")
            .Where(r => r.Attribute("ReferenceOutputAssembly")?.Value != "false")
            .Select(r => r.Attribute("Include")!.Value);
        return
        [
            project,
            .. references.Select(r => Path.GetRelativePath(SourceTree.Root, Path.GetFullPath(Path.Combine(folder, r)))).SelectMany(ProjectsOf),
        ];
    }

    private static string Read(string path) => File.ReadAllText(Path.Combine(SourceTree.Root, path));

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex("Password|Secret(?!s__Folder)|Key|ConnectionString|Token", RegexOptions.IgnoreCase)]
    private static partial Regex SecretName();

    /// <summary>32 characters without a break in their kind: no name and no path in these files is so long, but one of MongoDB's.</summary>
    [GeneratedRegex("[A-Za-z0-9+=]{32,}")]
    private static partial Regex LongRandom();

    [GeneratedRegex(@"^max_connections (\d+)$", RegexOptions.Multiline)]
    private static partial Regex MostConnections();

    [GeneratedRegex(@"^memory_limit (\d+)$", RegexOptions.Multiline)]
    private static partial Regex MostMemory();

    [GeneratedRegex(@"^listener (\d+)", RegexOptions.Multiline)]
    private static partial Regex Listener();
}
