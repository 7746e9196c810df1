using SmartLock.Firmware.Tests.Rig;

namespace SmartLock.Firmware.Tests;

public sealed class FileSlotsTests : IDisposable
{
    private readonly string _flash = Directory.CreateTempSubdirectory("smartlock-flash-").FullName + Path.DirectorySeparatorChar;

    public void Dispose() => Directory.Delete(_flash, recursive: true);

    [Fact]
    public void What_was_never_written_is_null() => new FileSlots(_flash, "commands").Read(0).ShouldBeNull();

    [Fact]
    public void A_record_is_there_after_a_restart_and_a_shorter_one_leaves_nothing_of_the_longer()
    {
        new FileSlots(_flash, "commands").Write(1, [1, 2, 3, 4, 5]).ShouldBeTrue();
        new FileSlots(_flash, "commands").Write(1, [9]).ShouldBeTrue();

        new FileSlots(_flash, "commands").Read(1).ShouldBe([9]);
        new FileSlots(_flash, "commands").Read(0).ShouldBeNull();
        new FileSlots(_flash, "settings").Read(1).ShouldBeNull();
    }

    [Fact]
    public void What_is_too_long_to_be_a_record_is_not_read()
    {
        File.WriteAllBytes(_flash + "commands.0", new byte[3000]);

        Should.Throw<IOException>(() => new FileSlots(_flash, "commands").Read(0));
    }

    [Fact]
    public void Wherever_the_power_cut_tears_the_newest_record_nothing_moves_twice()
    {
        using var rig = new BrainRig(_flash);
        rig.Switch();
        var first = rig.Command("UNLOCK", "first");
        rig.Receive(first).ShouldBe("18 high");
        var second = rig.Command("LOCK", "second");
        rig.Receive(second).ShouldBe("18 low");
        var files = Directory.GetFiles(_flash).ToDictionary(f => f, File.ReadAllBytes);
        files.Count.ShouldBe(2);
        var newest = files.MaxBy(f => BitConverter.ToString(f.Value, 4, 8));

        for (var left = 0; left < newest.Value.Length; left++)
        {
            foreach (var (path, bytes) in files)
            {
                File.WriteAllBytes(path, path == newest.Key ? bytes[..left] : bytes);
            }

            rig.Switch().Receive(first);
            rig.Receive(second);
            rig.Pins.ShouldBe(["open 18 Output", "18 low"], $"{left} bytes of the newest record");
        }
    }
}
