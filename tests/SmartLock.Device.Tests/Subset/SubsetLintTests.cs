namespace SmartLock.Device.Tests.Subset;

/// <summary>The check itself is checked: each snippet is legal on .NET and must be found.</summary>
public sealed class SubsetLintTests
{
    [Theory]
    [InlineData("class Box<T> { T Value; }")]
    [InlineData("class A { static T Same<T>(T x) { return x; } }")]
    [InlineData("class A { System.Func<int> F; }")]
    [InlineData("class A { System.EventHandler<System.EventArgs> F; }")]
    [InlineData("class A { System.Collections.Generic.List<int> L = new System.Collections.Generic.List<int>(); }")]
    [InlineData("class A { object O() { var f = System.Array.Empty<int>(); return f; } }")]
    [InlineData("class A { int? N; }")]
    [InlineData("class A { string S; object L() { return S?.Length; } }")]
    [InlineData("class A { async System.Threading.Tasks.Task T() { await System.Threading.Tasks.Task.Delay(1); } }")]
    [InlineData("class A { System.Collections.IEnumerable E() { yield return 1; } }")]
    [InlineData("using System.Linq; class A { object Q(int[] a) { return a.Where(x => x > 1); } }")]
    [InlineData("using System.Linq; class A { object Q(int[] a) { return from x in a select x; } }")]
    [InlineData("record R { }")]
    [InlineData("class A { object T() { var t = (1, 2); return t.Item1; } }")]
    [InlineData("class A { (int, int) T; }")]
    [InlineData("class A { void S() { System.Span<byte> s = stackalloc byte[4]; } }")]
    [InlineData("class A { int L(byte[] b) { return b[^1]; } }")]
    [InlineData("class A { object L(byte[] b) { return b[1..]; } }")]
    [InlineData("class A { volatile int V; }")]
    [InlineData("class A { decimal D; }")]
    [InlineData("class A { object D() { var d = 1m; return null; } }")]
    [InlineData("class A { int[,] M; }")]
    [InlineData("class A { object M() { var m = new int[2, 2]; return null; } }")]
    [InlineData("class A { object O() { var o = new { X = 1 }; return null; } }")]
    [InlineData("class A { dynamic D; }")]
    [InlineData("class A { unsafe int* P; }")]
    [InlineData("delegate void Done(); class A { event Done Finished; }")]
    [InlineData("class A { string S(int i) { return $\"{i}\"; } }")]
    [InlineData("class A { string S(int i) { return \"n\" + i; } }")]
    [InlineData("class A { int S(int i) { return checked(i + 1); } }")]
    [InlineData("class A { void F() { foreach (char c in \"abc\") { } } }")]
    [InlineData("class A { string S(string s) { return s.Replace(\"a\", \"b\"); } }")]
    [InlineData("class A { string S(string[] s) { return string.Join(\",\", s); } }")]
    [InlineData("class A { string S(byte[] b) { return System.Text.Encoding.UTF8.GetString(b); } }")]
    [InlineData("class A { object S(byte[] k) { return new System.Security.Cryptography.HMACSHA256(k); } }")]
    [InlineData("class A { object S(byte[] k) { return System.Security.Cryptography.SHA256.HashData(k); } }")]
    [InlineData("class A { object S() { return System.DateTimeOffset.UtcNow; } }")]
    [InlineData("enum E { X } class A { string S(E e) { return e.ToString(); } }")]
    [InlineData("class A { object G = new System.Threading.Lock(); }")]
    [InlineData("namespace N; class A { }")]
    [InlineData("class A { required public int X { get; set; } }")]
    [InlineData("class A { int[] X = [1, 2]; }")]
    [InlineData("class A { bool X(string s) { return s is ['a', ..]; } }")]
    public void Finds(string source)
    {
        new NanoFrameworkSubset(BrainSubsetTests.AllowList()).Check([("snippet.cs", source)]).ShouldNotBeEmpty();
    }

    [Fact]
    public void Passes_what_nanoFramework_has()
    {
        const string Source = """
            using System;
            using System.Text;
            enum E { X, Y }
            class A
            {
                private readonly object _gate = new object();
                public string Name { get; set; } = "a";
                int Sum(byte[] bytes) { int sum = 0; foreach (byte b in bytes) { sum += b; } return sum; }
                string Of(E e, int n) => e switch { E.X => "x" + n.ToString(), _ => null };
                bool Is(object o, out string s) { s = o as string; lock (_gate) { return o is string { Length: > 3 }; } }
                string Text(StringBuilder b) { Action a = () => b.Append('x'); a(); return b.ToString(); }
            }
            """;
        var allowed = new HashSet<string>(BrainSubsetTests.AllowList())
        {
            "T:System.Action", "M:System.Action.Invoke", "M:System.Int32.ToString", "T:System.Collections.IEnumerable",
        };

        new NanoFrameworkSubset(allowed).Check([("snippet.cs", Source)]).ShouldBeEmpty();
    }
}
