namespace SmartLock.Device.Tests.Subset;

/// <summary>What nanoFramework has, builds, and yet fails or bites on the device, or runs differently than here.</summary>
internal static class Traps
{
    private const string Hmac = "keeps the caller's key by reference and clears it when disposed: only the static HashData is safe";
    private const string Rubbish = "leaves rubbish in the out value on failure";
    private const string Halts = "stops a thread with its locks held and a record half written";

    public static IReadOnlyList<(string Type, string Member, string Why)> All { get; } =
    [
        .. AllBut("System.Security.Cryptography.HMACSHA256", "M static Byte[] HashData(Byte[], Byte[])", Hmac),
        .. AllBut("System.Security.Cryptography.HMACSHA512", "M static Byte[] HashData(Byte[], Byte[])", Hmac),
        .. TryParses("Byte", "SByte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Single", "Double", "DateTime"),
        ("System.Enum", "M String ToString()", "gives the number"),
        ("System.DateTime", "F MinValue", "1601, on .NET the year 1"),
        ("System.DateTime", "F MaxValue", "the year 3000, on .NET 9999"),
        ("System.DateTime", "M static DateTime get_Today()", "in UTC, on .NET in local time"),
        ("System.Threading.Thread", "M Void Abort()", Halts),
        ("System.Threading.Thread", "M Void Suspend()", Halts),
        ("System.Threading.Thread", "M Void Resume()", Halts),
    ];

    public static string? Of(string type, string member) =>
        All.Where(trap => trap.Type == type && trap.Member == member).Select(trap => trap.Why).FirstOrDefault();

    private static IEnumerable<(string Type, string Member, string Why)> AllBut(string type, string safe, string why) =>
        Surface.Whole.MembersOf(type).Where(member => member != safe).Select(member => (type, member, why));

    private static IEnumerable<(string Type, string Member, string Why)> TryParses(params string[] types) =>
        types.Select(type => ("System." + type, $"M static Boolean TryParse(String, ref {type})", Rubbish));
}
