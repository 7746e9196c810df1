using SmartLock.Testing;

namespace SmartLock.Device.Tests.Subset;

public sealed class FirmwareSubsetTests
{
    [Fact]
    public void The_brain_uses_only_what_nanoFramework_has()
    {
        var brain = Sources("firmware/SmartLock.Device");

        brain.Count.ShouldBeGreaterThan(15);
        new NanoFrameworkSubset().Check(brain).Take(30).ShouldBeEmpty();
    }

    [Fact]
    public void The_firmware_uses_only_what_nanoFramework_has()
    {
        var firmware = Sources("firmware/SmartLock.Firmware");

        firmware.Count.ShouldBeGreaterThan(10);
        new NanoFrameworkSubset().Check([.. Sources("firmware/SmartLock.Device"), .. firmware]).Take(30).ShouldBeEmpty();
    }

    [Fact]
    public void The_brain_has_neither_pins_nor_sockets()
    {
        Sources("firmware/SmartLock.Device").ShouldAllBe(f => !f.Source.Contains("using System.Net", StringComparison.Ordinal)
            && !f.Source.Contains("using System.Device", StringComparison.Ordinal)
            && !f.Source.Contains("using System.IO", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_trap_is_in_the_surface()
    {
        Traps.All.ShouldAllBe(trap => Surface.Whole.HasMember(trap.Type, trap.Member));
    }

    internal static List<(string Path, string Source)> Sources(string folder) =>
        [.. SourceTree.CSharpFiles(folder).Select(path => (path, File.ReadAllText(Path.Combine(SourceTree.Root, path))))];
}
