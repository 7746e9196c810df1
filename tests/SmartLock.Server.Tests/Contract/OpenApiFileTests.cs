using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.OpenApi;
using SmartLock.Testing;

namespace SmartLock.Server.Tests.Contract;

/// <summary><c>docs/openapi.json</c> is the contract that clients are built against: a change of the API is a change of that file.</summary>
public sealed class OpenApiFileTests
{
    private const string File = "docs/openapi.json";
    private const string Update = "SMARTLOCK_UPDATE_OPENAPI";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task The_checked_in_document_is_what_the_server_serves()
    {
        var path = Path.Combine(SourceTree.Root, File);
        var served = await ServedAsync();
        if (Environment.GetEnvironmentVariable(Update) == "1")
        {
            await System.IO.File.WriteAllTextAsync(path, served);
        }

        var checkedIn = await System.IO.File.ReadAllTextAsync(path);

        var lines = served.Split('\n');
        var differs = lines.Zip(checkedIn.Split('\n')).Index().FirstOrDefault(l => l.Item.First != l.Item.Second).Index;
        (served == checkedIn).ShouldBeTrue(
            $"The API changed at about line {differs + 1} of {File} ({lines[differs].Trim()}). If that was meant, run the tests once with {Update}=1.");
    }

    [Fact]
    public async Task The_document_is_valid_OpenAPI()
    {
        var read = OpenApiDocument.Parse(await ServedAsync(), "json");

        read.Diagnostic!.Errors.ShouldBeEmpty();
        read.Diagnostic.Warnings.ShouldBeEmpty();
        read.Document!.Paths.ShouldNotBeEmpty();
    }

    private static async Task<string> ServedAsync()
    {
        await using var app = await TestApp.StartAsync();
        var document = JsonNode.Parse(await app.Http.GetStringAsync("/openapi/v1.json"))!;
        return document.ToJsonString(Indented) + "\n";
    }
}
