using System.Text;
using SmartLock.Device.Tests.Rig;

namespace SmartLock.Device.Tests.Settings;

public sealed class SettingsStoreTests
{
    private readonly FakeFlash _flash = new();

    private readonly DeviceSettings _first = Sample.Settings();

    private readonly DeviceSettings _second = Sample.Settings(Sample.FullJson);

    [Fact]
    public void Keeps_what_was_saved_last()
    {
        Load().ShouldBe("none");
        foreach (var settings in new[] { _first, _second, Sample.Largest, _first })
        {
            Store().Save(settings).ShouldBeTrue();
            Load().ShouldBe(settings.Text());
        }
    }

    [Fact]
    public void Writes_in_turn_and_what_is_stored_already_not_again()
    {
        var store = Store();
        store.Save(_first).ShouldBeTrue();
        store.Save(_second).ShouldBeTrue();
        var slots = _flash.Slots.ToArray();

        Store().Save(_second).ShouldBeTrue();
        store.Save(_second).ShouldBeTrue();

        _flash.Writes.ShouldBe(2);
        Encoding.ASCII.GetString(slots[0]!).ShouldContain("lock.example.org");
        Encoding.ASCII.GetString(slots[1]!).ShouldContain("192.168.1.20");
    }

    [Fact]
    public void Settings_that_the_reader_would_refuse_are_not_stored()
    {
        Store().Save(_first);
        _second.BoltPin = 6;
        Store().Save(_second).ShouldBeFalse();
        _second.BoltPin = 4;
        _second.WifiSsid = "žirafa";
        Store().Save(_second).ShouldBeFalse();
        Load().ShouldBe(_first.Text());
    }

    [Fact]
    public void The_form_in_flash_is_magic_sequence_length_json_and_crc()
    {
        Store().Save(_first);

        var record = _flash.Slots[0]!;
        var json = SettingsWriter.Write(_first);
        record[..4].ShouldBe("SLS1"u8.ToArray());
        record[4..12].ShouldBe([0, 0, 0, 0, 0, 0, 0, 1]);
        record[12..14].ShouldBe([(byte)(json.Length >> 8), (byte)json.Length]);
        record[14..^4].ShouldBe(json);
        Convert.ToInt64(Convert.ToHexString(record[^4..]), 16).ShouldBe(PlainCrc(record[..^4]));
    }

    [Theory]
    [InlineData("", 0x00000000)]
    [InlineData("a", 0xE8B7BE43)]
    [InlineData("123456789", 0xCBF43926)]
    public void The_crc_is_that_of_ieee_802_3(string text, long crc)
    {
        Crc32.Of(text.Bytes(), text.Length).ShouldBe(crc);
        PlainCrc(text.Bytes()).ShouldBe(crc);
        Crc32.Of((text + "more").Bytes(), text.Length).ShouldBe(crc);
    }

    [Fact]
    public void Any_flipped_bit_and_any_missing_end_makes_a_record_void()
    {
        Store().Save(_first);
        var record = _flash.Slots[0]!;
        for (var at = 0; at < record.Length; at++)
        {
            for (var bit = 1; bit < 256; bit <<= 1)
            {
                var bent = record.ToArray();
                bent[at] ^= (byte)bit;
                SettingsRecord.Decode(bent).ShouldBeNull();
            }

            SettingsRecord.Decode(record[..at]).ShouldBeNull();
        }

        SettingsRecord.Decode([.. record, 0]).ShouldBeNull();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_power_cut_at_any_byte_of_a_save_leaves_the_old_settings_or_the_new(bool inPlace)
    {
        DeviceSettings[][] histories = [[_first], [_first, _second], [_second, _first, Sample.Largest], [Sample.Largest, _second]];
        foreach (var history in histories)
        {
            foreach (var next in new[] { Sample.Settings(Sample.With("host", "\"new\"")), Sample.Settings(Sample.With("port", "18883")) })
            {
                var before = Flash(history);
                Save(before, next).ShouldBeTrue();
                var whole = before.Slots.Max(s => s?.Length ?? 0);
                for (var at = 0; at <= whole; at++)
                {
                    var flash = Flash(history);
                    flash.Cut = new PowerCut(0, at, inPlace);
                    Save(flash, next).ShouldBeFalse();
                    flash.PowerGone.ShouldBeTrue();
                    flash.PowerGone = false;

                    new SettingsStore(flash).Load().Text().ShouldBeOneOf(history[^1].Text(), next.Text());
                    Save(flash, next).ShouldBeTrue();
                    new SettingsStore(flash).Load().Text().ShouldBe(next.Text());
                }
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_first_save_cut_leaves_none_or_the_new(bool inPlace)
    {
        var length = SettingsRecord.Encode(1, SettingsWriter.Write(_first)).Length;
        for (var at = 0; at <= length; at++)
        {
            var flash = new FakeFlash { Cut = new PowerCut(0, at, inPlace) };
            Save(flash, _first).ShouldBeFalse();
            flash.PowerGone = false;

            new SettingsStore(flash).Load().Text().ShouldBe(at < length ? "none" : _first.Text());
            Save(flash, _first).ShouldBeTrue();
        }
    }

    [Fact]
    public void Forgetting_leaves_no_secret_in_either_slot()
    {
        Store().Save(_first);
        Store().Save(_second);

        Store().Forget().ShouldBeTrue();

        Load().ShouldBe("none");
        ShouldHoldNoSecret(_flash);
        Store().Save(_second).ShouldBeTrue();
        Load().ShouldBe(_second.Text());
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(1, true)]
    public void A_power_cut_while_forgetting_leaves_all_of_it_or_nothing_at_all(int write, bool inPlace)
    {
        var record = SettingsRecord.Encode(1, []).Length;
        for (var at = 0; at <= record; at++)
        {
            var flash = Flash([_first, _second]);
            flash.Cut = new PowerCut(write, at, inPlace);
            new SettingsStore(flash).Forget().ShouldBeFalse();
            flash.PowerGone = false;

            var left = new SettingsStore(flash).Load().Text();
            left.ShouldBeOneOf(_second.Text(), "none");
            if (write == 1)
            {
                left.ShouldBe("none");
            }

            if (left == "none")
            {
                ShouldHoldNoSecret(flash);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void One_dead_slot_does_not_end_it(int slot)
    {
        Store().Save(_first);
        _flash.DeadSlot = slot;
        foreach (var settings in new[] { _second, _first, Sample.Largest })
        {
            Store().Save(settings).ShouldBeTrue();
            Load().ShouldBe(settings.Text());
        }

        Store().Forget().ShouldBeFalse();
        Load().ShouldBe("none");
    }

    [Fact]
    public void One_write_that_fails_does_not_touch_the_newest_record()
    {
        Store().Save(_first);
        var newest = _flash.Slots[0];
        var tries = 0;
        _flash.Writing = () => _flash.RefuseWrites = ++tries == 1;

        Store().Save(_second).ShouldBeTrue();

        _flash.Slots[0].ShouldBeSameAs(newest);
        Load().ShouldBe(_second.Text());
    }

    [Fact]
    public void A_flash_that_fails_takes_nothing_away_and_throws_nothing()
    {
        Store().Save(_first);
        _flash.RefuseWrites = true;
        Store().Save(_second).ShouldBeFalse();
        Load().ShouldBe(_first.Text());
        _flash.RefuseWrites = false;
        _flash.ThrowOnWrite = true;
        Store().Save(_second).ShouldBeFalse();
        Load().ShouldBe(_first.Text());
        _flash.ThrowOnRead = true;
        Load().ShouldBe("none");
        Store().Forget().ShouldBeFalse();
    }

    [Fact]
    public void Settings_of_another_firmware_are_not_taken_nor_the_ones_before_them()
    {
        Store().Save(_first);
        _flash.Slots[1] = SettingsRecord.Encode(9, Sample.With("colour", "1").Bytes());

        Load().ShouldBe("none");
        Store().Save(_second).ShouldBeTrue();
        Load().ShouldBe(_second.Text());
    }

    private static void ShouldHoldNoSecret(FakeFlash flash)
    {
        foreach (var slot in flash.Slots)
        {
            var text = Encoding.ASCII.GetString(slot ?? []);
            text.ShouldNotContain(Sample.Key[..8]);
            text.ShouldNotContain(Sample.Password[..8]);
        }
    }

    private static FakeFlash Flash(DeviceSettings[] history)
    {
        var flash = new FakeFlash();
        foreach (var settings in history)
        {
            Save(flash, settings).ShouldBeTrue();
        }

        return flash;
    }

    private static bool Save(FakeFlash flash, DeviceSettings settings) => new SettingsStore(flash).Save(settings);

    /// <summary>Bit by bit, as the standard has it.</summary>
    private static long PlainCrc(byte[] bytes)
    {
        var crc = uint.MaxValue;
        foreach (var b in bytes)
        {
            crc ^= b;
            for (var i = 0; i < 8; i++)
            {
                crc = (crc >> 1) ^ ((crc & 1) == 1 ? 0xEDB88320 : 0);
            }
        }

        return ~crc;
    }

    private SettingsStore Store() => new(_flash);

    private string Load() => Store().Load().Text();
}
