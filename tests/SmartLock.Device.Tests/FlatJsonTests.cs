using System.Text;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests;

public sealed class FlatJsonTests
{
    [Theory]
    [InlineData("{}")]
    [InlineData(" \t\r\n{ \"a\" : 1 , \"b\" : \"x\" } \n")]
    [InlineData("{\"a\":null,\"b\":true,\"c\":false,\"d\":0,\"e\":-1}")]
    [InlineData("{\"a\":999999999999999999,\"b\":-999999999999999999}")]
    [InlineData("{\"a\":\"\\\"\\\\\\/\"}")]
    [InlineData("{\"\":\"\"}")]
    public void Takes(string json)
    {
        FlatJsonReader.Read(json.Bytes()).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("\"a\"")]
    [InlineData("{")]
    [InlineData("}")]
    [InlineData("{}{}")]
    [InlineData("{} x")]
    [InlineData("{\"a\"}")]
    [InlineData("{\"a\":}")]
    [InlineData("{\"a\":1")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{,\"a\":1}")]
    [InlineData("{\"a\":1 \"b\":2}")]
    [InlineData("{a:1}")]
    [InlineData("{'a':1}")]
    [InlineData("{\"a\":{}}")]
    [InlineData("{\"a\":[]}")]
    [InlineData("{\"a\":1,\"a\":1}")]
    [InlineData("{\"a\":1.0}")]
    [InlineData("{\"a\":1e3}")]
    [InlineData("{\"a\":+1}")]
    [InlineData("{\"a\":01}")]
    [InlineData("{\"a\":-0}")]
    [InlineData("{\"a\":-01}")]
    [InlineData("{\"a\":-}")]
    [InlineData("{\"a\":0x1}")]
    [InlineData("{\"a\":1000000000000000000}")]
    [InlineData("{\"a\":NaN}")]
    [InlineData("{\"a\":nul}")]
    [InlineData("{\"a\":nulll}")]
    [InlineData("{\"a\":True}")]
    [InlineData("{\"a\":\"\n\"}")]
    [InlineData("{\"a\":\"\\n\"}")]
    [InlineData("{\"a\":\"\\u0041\"}")]
    [InlineData("{\"a\":\"\\")]
    [InlineData("{\"a\":\"x}")]
    [InlineData("{\"a\":\"ž\"}")]
    [InlineData("{\"a\":\"\u007f\"}")]
    [InlineData("{/**/\"a\":1}")]
    [InlineData("\ufeff{}")]
    public void Refuses(string json)
    {
        FlatJsonReader.Read(json.Bytes()).ShouldBeNull();
    }

    [Fact]
    public void Reads_each_kind()
    {
        var json = FlatJsonReader.Read("{\"t\":\"a\\\"\\\\\\/b\",\"n\":-42,\"null\":null,\"yes\":true,\"no\":false}".Bytes());

        json.Count.ShouldBe(5);
        json.Text("t").ShouldBe("a\"\\/b");
        json.Number("n", 0).ShouldBe(-42);
        json.Number("t", 7).ShouldBe(7);
        json.Text("n").ShouldBeNull();
        json.KindOf("null").ShouldBe(JsonKind.Null);
        json.KindOf("yes").ShouldBe(JsonKind.True);
        json.KindOf("no").ShouldBe(JsonKind.False);
        json.KindOf("T").ShouldBe(JsonKind.Missing);
    }

    [Fact]
    public void Is_bounded_in_bytes_and_members()
    {
        var fits = "{\"a\":\"" + new string('x', FlatJsonReader.MaxBytes - 8) + "\"}";
        fits.Length.ShouldBe(FlatJsonReader.MaxBytes);
        FlatJsonReader.Read(fits.Bytes()).ShouldNotBeNull();
        FlatJsonReader.Read((fits + " ").Bytes()).ShouldBeNull();
        FlatJsonReader.Read(null).ShouldBeNull();

        static string Members(int count) => "{" + string.Join(',', Enumerable.Range(0, count).Select(i => $"\"m{i}\":{i}")) + "}";
        FlatJsonReader.Read(Members(FlatJson.MaxMembers).Bytes()).Count.ShouldBe(FlatJson.MaxMembers);
        FlatJsonReader.Read(Members(FlatJson.MaxMembers + 1).Bytes()).ShouldBeNull();
    }

    [Fact]
    public void Whatever_it_takes_an_ordinary_reader_takes_with_the_same_members()
    {
        // Bytes that JSON is made of, so that a good part of the tries comes near to an object.
        var alphabet = Gen.Elements("{}\":,\\/ \t-0123456789ntfalseru[]e.xé|".ToCharArray());
        var texts = alphabet.ListOf().Select(chars => "{" + new string([.. chars]) + "}");
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(5000), Prop.ForAll(texts.ToArbitrary(), AgreesWithSystemTextJson));
    }

    [Fact]
    public void Whatever_the_writer_writes_both_readers_read_back()
    {
        var members = ArbMap.Default.GeneratorFor<Dictionary<NonNull<string>, NonNull<string>>>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(1000), Prop.ForAll(members.ToArbitrary(), RoundTrips));
    }

    [Fact]
    public void Bent_commands_never_throw_and_agree_with_an_ordinary_reader()
    {
        var command = new ServerPen().Write();
        for (var at = 0; at < command.Length; at++)
        {
            for (var value = 0; value < 256; value++)
            {
                var bent = command.ToArray();
                bent[at] = (byte)value;
                AgreesWithSystemTextJson(bent).ShouldBeTrue($"byte {at} set to {value}");
            }
        }
    }

    private static bool AgreesWithSystemTextJson(string text) => AgreesWithSystemTextJson(text.Bytes());

    private static bool AgreesWithSystemTextJson(byte[] bytes)
    {
        var ours = FlatJsonReader.Read(bytes);
        if (ours is null)
        {
            return true;
        }

        var theirs = JsonDocument.Parse(bytes).RootElement;
        return theirs.EnumerateObject().Count() == ours.Count && theirs.EnumerateObject().All(m => m.Value.ValueKind switch
        {
            JsonValueKind.String => ours.Text(m.Name) == m.Value.GetString(),
            JsonValueKind.Number => ours.Number(m.Name, long.MinValue) == m.Value.GetInt64(),
            JsonValueKind.Null => ours.KindOf(m.Name) == JsonKind.Null,
            JsonValueKind.True => ours.KindOf(m.Name) == JsonKind.True,
            JsonValueKind.False => ours.KindOf(m.Name) == JsonKind.False,
            _ => false,
        });
    }

    private static bool RoundTrips(Dictionary<NonNull<string>, NonNull<string>> wanted)
    {
        var writer = new FlatJsonWriter();
        var written = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in wanted.Take(FlatJson.MaxMembers))
        {
            if (written.TryAdd(Plain(name.Get), Plain(value.Get)))
            {
                writer.Text(Plain(name.Get), value.Get);
            }
        }

        var bytes = Encoding.UTF8.GetBytes(writer.Close());
        if (bytes.Length > FlatJsonReader.MaxBytes)
        {
            return FlatJsonReader.Read(bytes) is null;
        }

        var theirs = JsonDocument.Parse(bytes).RootElement;
        var ours = FlatJsonReader.Read(bytes);
        return ours.Count == written.Count
            && written.All(m => ours.Text(m.Key) == m.Value && theirs.GetProperty(m.Key).GetString() == m.Value);
    }

    private static string Plain(string text) => new([.. text.Select(c => c is < ' ' or > '~' ? '?' : c)]);
}
