namespace SmartLock.Device.Tests.Subset;

/// <summary>The check itself is checked: each snippet is legal on .NET and must be found.</summary>
public sealed class SubsetLintTests
{
    [Theory]
    [InlineData("class Box<T> { T Value; }", "generic type Box<T>")]
    [InlineData("class A { static T Same<T>(T x) { return x; } }", "<T>")]
    [InlineData("class A { System.Func<int> F; }", "System.Func<int>")]
    [InlineData("class A { System.EventHandler<System.EventArgs> F; }", "System.EventHandler<System.EventArgs>")]
    [InlineData("class A { System.Collections.Generic.List<int> L = new System.Collections.Generic.List<int>(); }", "System.Collections.Generic.List<int>")]
    [InlineData("class A { object O() { var f = System.Array.Empty<int>(); return f; } }", "System.Array.Empty<int>()")]
    [InlineData("class A { int? N; }", "int?")]
    [InlineData("class A { string S; object L() { return S?.Length; } }", "int?")]
    [InlineData("class A { async System.Threading.Tasks.Task T() { await System.Threading.Tasks.Task.Delay(1); } }", "async")]
    [InlineData("class A { System.Collections.IEnumerable E() { yield return 1; } }", "yield return 1")]
    [InlineData("using System.Linq; class A { object Q(int[] a) { return a.Where(x => x > 1); } }", "Where<int>")]
    [InlineData("using System.Linq; class A { object Q(int[] a) { return from x in a select x; } }", "QueryExpression")]
    [InlineData("record R { }", "record R")]
    [InlineData("class A { object T() { var t = (1, 2); return t.Item1; } }", "(1, 2)")]
    [InlineData("class A { (int, int) T; }", "(int, int)")]
    [InlineData("class A { void S() { System.Span<byte> s = stackalloc byte[4]; } }", "stackalloc byte[4]")]
    [InlineData("class A { int L(byte[] b) { return b[^1]; } }", "^1")]
    [InlineData("class A { object L(byte[] b) { return b[1..]; } }", "1..")]
    [InlineData("class A { volatile int V; }", "volatile")]
    [InlineData("class A { decimal D; }", "System.Decimal")]
    [InlineData("class A { object D() { var d = 1m; return null; } }", "System.Decimal")]
    [InlineData("class A { int[,] M; }", "multi-dimensional array")]
    [InlineData("class A { object M() { var m = new int[2, 2]; return null; } }", "multi-dimensional array")]
    [InlineData("class A { object O() { var o = new { X = 1 }; return null; } }", "new { X = 1 }")]
    [InlineData("class A { dynamic D; }", "Dynamic")]
    [InlineData("class A { unsafe int* P; }", "unsafe")]
    [InlineData("delegate void Done(); class A { event Done Finished; }", "event Done Finished")]
    [InlineData("class A { string S(int i) { return $\"{i}\"; } }", "InterpolatedString")]
    [InlineData("class A { string S(int i) { return \"n\" + i; } }", "string joined")]
    [InlineData("class A { int S(int i) { return checked(i + 1); } }", "checked(i + 1)")]
    [InlineData("class A { void F() { foreach (char c in \"abc\") { } } }", "foreach over something")]
    [InlineData("class A { string S(string s) { return s.Replace(\"a\", \"b\"); } }", "System.String: M String Replace(String, String)")]
    [InlineData("class A { string S(string[] s) { return string.Join(\",\", s); } }", "System.String: M static String Join(String, String[])")]
    [InlineData("class A { string S(byte[] b) { return System.Text.Encoding.UTF8.GetString(b); } }", "M String GetString(Byte[])")]
    [InlineData("class A { object S(byte[] k) { return new System.Security.Cryptography.HMACSHA256(k); } }", "HMACSHA256: M Void .ctor(Byte[])")]
    [InlineData("class A { object S(byte[] k) { return System.Security.Cryptography.SHA256.HashData(k); } }", "System.Security.Cryptography.SHA256")]
    [InlineData("class A { object S() { return System.DateTimeOffset.UtcNow; } }", "System.DateTimeOffset")]
    [InlineData("enum E { X } class A { string S(E e) { return e.ToString(); } }", "System.Enum: M String ToString()")]
    [InlineData("class A { object G = new System.Threading.Lock(); }", "System.Threading.Lock")]
    [InlineData("namespace N; class A { }", "CS8773")]
    [InlineData("class A { required public int X { get; set; } }", ": CS")]
    [InlineData("class A { int[] X = [1, 2]; }", ": CS")]
    [InlineData("class A { bool X(string s) { return s is ['a', ..]; } }", ": CS")]
    public void Finds(string source, string named)
    {
        new NanoFrameworkSubset().Check([("snippet.cs", source)]).ShouldContain(finding => finding.Contains(named, StringComparison.Ordinal));
    }

    [Fact]
    public void Finds_a_generic_list() => Finds(
        "using System.Collections.Generic; class A { List<int> L = new List<int>(); }", "type System.Collections.Generic.List<int>");

    [Fact]
    public void Finds_async() => Finds("using System.Threading.Tasks; class A { async Task T() { await Task.Yield(); } }", "async");

    [Fact]
    public void Finds_a_value_that_may_be_null() => Finds("class A { void M() { int? n = null; } }", "NullableType: int?");

    [Fact]
    public void Finds_string_Replace() => Finds(
        "class A { string S(string s) { return s.Replace('a', 'b'); } }", "not on nanoFramework: System.String: M String Replace(Char, Char)");

    [Fact]
    public void Finds_an_own_generic_class() => Finds("namespace N { class Pair<A, B> { } }", "generic type N.Pair<A, B>");

    [Fact]
    public void Finds_a_generic_delegate_of_the_library() => Finds(
        "using System; class A { int M() { Func<int> f = () => 1; return f(); } }", "type System.Func<int>");

    [Fact]
    public void Finds_a_record() => Finds("class A { sealed record Point(int X, int Y); }", "record Point");

    [Fact]
    public void Finds_a_key_that_is_destroyed_by_its_own_HMAC()
    {
        const string Source = """
            using System.Security.Cryptography;
            class A { byte[] Mac(byte[] key, byte[] data) { using (new HMACSHA256(key)) { } using (var h = new HMACSHA256(key)) { return h.ComputeHash(data); } } }
            """;

        Finds(Source, "HMACSHA256: M Void .ctor(Byte[]) keeps the caller's key");
        Finds(Source, "HMACSHA256: M Void Dispose() keeps the caller's key");
        Finds(Source, "HMACSHA256: M Byte[] ComputeHash(Byte[]) keeps the caller's key");
    }

    [Theory]
    [InlineData("class A { int N(string s) { int n; int.TryParse(s, out n); return n; } }", "System.Int32: M static Boolean TryParse(String, ref Int32)")]
    [InlineData("class A { void S(System.Threading.Thread t) { t.IsBackground = true; } }", "Thread: M Void set_IsBackground(Boolean)")]
    [InlineData("class A { void S() { new System.Threading.AutoResetEvent(false).WaitOne(5); } }", "AutoResetEvent: M Boolean WaitOne(Int32)")]
    [InlineData("class A { bool S(System.DateTime d) { return d == System.DateTime.MinValue; } }", "System.DateTime: F MinValue")]
    [InlineData("class A { void S() { System.AppDomain.CurrentDomain.ProcessExit += null; } }", "System.AppDomain")]
    [InlineData("class A { string S() { return System.Console.ReadLine(); } }", "System.Console: M static String ReadLine()")]
    public void Finds_members(string source, string named) => Finds(source, named);

    /// <summary>As the real runtime showed: == with an element that nobody assigned ends it.</summary>
    [Theory]
    [InlineData("class A { bool F(string s) { string[] t = new string[2]; return t[0] == s; } }")]
    [InlineData("class A { bool F(string s) { string[] t = new string[2]; t[0] = s; return t[1] == s; } }")]
    [InlineData("class A { object F(int n) { return new string[n]; } }")]
    [InlineData("class A { string[] T = new string[2]; }")]
    [InlineData("class A { string[] T = new string[2]; A() { Go(); for (int i = 0; i < T.Length; i++) { T[i] = null; } } void Go() { } }")]
    [InlineData("class A { string[] T = new string[2]; A() { for (int i = 0; i < T.Length; i++) { T[i] = null; } } A(int n) { } }")]
    [InlineData("class A { void F() { string[] t = new string[2]; for (int i = 1; i < t.Length; i++) { t[i] = null; } } }")]
    [InlineData("class A { void F(string[] u) { string[] t = new string[2]; for (int i = 0; i < t.Length; i++) { u[i] = null; } } }")]
    [InlineData("class A { void F() { string[] t = new string[2]; for (int i = 0; i < t.Length; i++) { t[i] = t[0] == null ? null : t[1]; } } }")]
    [InlineData("class A { void F() { string[] t = new string[2]; for (int i = 0; i < t.Length; i++) { if (i > 0) { t[i] = null; } } } }")]
    [InlineData("class A { string[][] T = new string[][] { new string[3] }; }")]
    public void Finds_strings_that_nobody_assigned(string source) => Finds(source, "string array whose elements are not assigned at once");

    [Theory]
    [InlineData("class A { string[] T = new string[2]; A() { for (int i = 0; i < T.Length; i++) { T[i] = null; } } }")]
    [InlineData("class A { string[] T = new string[2]; A() { for (int i = 0; i < T.Length; i++) { T[i] = null; } } A(int n) : this() { } }")]
    [InlineData("class A { object F(int n) { string[] t = new string[n]; for (int i = 0; i < t.Length; i++) { t[i] = i.ToString(); } return t; } }")]
    [InlineData("class A { string[] T = new string[] { null, \"a\" }; string[] U = { \"b\" }; int[] V = new int[3]; string[][] W = new string[3][]; }")]
    public void Passes_strings_that_are_assigned_at_once(string source) => new NanoFrameworkSubset().Check([("snippet.cs", source)]).ShouldBeEmpty();

    [Theory]
    [InlineData("class A { string F(int n) { string s = \"a\"; s += n; return s; } }", "string joined")]
    [InlineData("class A { string F(char c) { return \"a\" + 'b' + c; } }", "string joined")]
    [InlineData("class A { string F(System.DayOfWeek d) { object o = d; return o.ToString(); } }", "enum as an object")]
    [InlineData("enum E { X } class A { string F(E e) { return string.Concat(\"a\", e); } }", "enum as an object")]
    [InlineData("class A { bool F(string s) { return s.StartsWith(\"a\", System.StringComparison.Ordinal); } }", "System.StringComparison")]
    [InlineData("class A { void F(object o) { System.Threading.Monitor.Wait(o); } }", "Wait(Object)")]
    [InlineData("class A { object F(byte[] b) { b.CopyTo(b, 0); System.Array.Reverse(b); return null; } }", "Reverse")]
    [InlineData("class A { string F(double d) { return d.ToString(System.Globalization.CultureInfo.InvariantCulture); } }", "ToString(IFormatProvider)")]
    [InlineData("class A { void F(int a) { try { a = 1 / a; } catch (System.DivideByZeroException) { } } }", "System.DivideByZeroException")]
    [InlineData("class A { System.Threading.Thread F() { return new System.Threading.Thread(o => { }); } }", "Thread: M Void .ctor(ParameterizedThreadStart)")]
    [InlineData("using System.Text; class A { StringBuilder F(StringBuilder b, int n) { return b.AppendFormat(\"{0}\", n); } }", "AppendFormat")]
    [InlineData("class A { bool F(string s, string t) { return s is \"a\" or \"b\" && string.IsNullOrWhiteSpace(t); } }", "IsNullOrWhiteSpace")]
    [InlineData("class A { ref int F(int[] a) { return ref a[0]; } }", "RefType")]
    [InlineData("class A { static System.Predicate<int> P = delegate(int n) { return n > 0; }; }", "System.Predicate<int>")]
    [InlineData("using System; class A { Action<int> F() { return n => { }; } }", "System.Action<int>")]
    [InlineData("interface I { void M() { } } class A : I { }", "interface with a body")]
    [InlineData("using System; [ThreadStatic] class A { }", ": CS")]
    public void Finds_what_a_hurried_writer_would_write(string source, string named) => Finds(source, named);

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
                bool Wait(System.Threading.AutoResetEvent e) { e.Set(); return e.WaitOne(5, false); }
                string Text(StringBuilder b) { Action a = () => b.Append('x'); a(); return b.ToString(); }
            }
            """;
        new NanoFrameworkSubset().Check([("snippet.cs", Source)]).ShouldBeEmpty();
    }
}
