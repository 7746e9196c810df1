using SmartLock.Device.Tests.Rig;
using SmartLock.Device.Tests.Settings;

namespace SmartLock.Device.Tests.Setup;

public sealed class ProvisioningFileTests
{
    private readonly FakeFlash _flash = new();

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public void A_right_file_is_stored(string end)
    {
        Take(Sample.FullJson + end, out var error).ShouldBe(Provisioning.Stored);
        error.ShouldBeNull();
        Stored().ShouldBe(Sample.Settings(Sample.FullJson).Text());
    }

    [Fact]
    public void What_jq_makes_of_the_answer_to_a_registration_is_taken()
    {
        // jq '{wifi_ssid: "Home", wifi_password: "correct horse 7", host: "lock.example.org", device_id, key}', which writes over many lines.
        const string File = $$"""
            {
              "wifi_ssid": "Home",
              "wifi_password": "{{Sample.Password}}",
              "host": "lock.example.org",
              "device_id": "ESP32-7C9EBD",
              "key": "{{Sample.Key}}"
            }

            """;
        Take(File, out _).ShouldBe(Provisioning.Stored);
        Stored().ShouldBe(Sample.Settings().Text());
    }

    [Theory]
    [InlineData("", "there is nothing in it")]
    [InlineData("{}", "wifi_ssid: is missing")]
    [InlineData("{\"device_id\":\"d\",\"mqtt\":{\"username\":\"d\"}}", "not one flat JSON object")]
    public void A_wrong_file_is_refused_with_the_reason_and_what_was_stored_stays(string file, string said)
    {
        Take(Sample.Json, out _);
        var writes = _flash.Writes;

        Take(file, out var error).ShouldBe(Provisioning.Refused);

        error.ShouldContain(said);
        _flash.Writes.ShouldBe(writes);
        Stored().ShouldBe(Sample.Settings().Text());
        Take(new string('{', ProvisioningFile.MaxBytes + 1), out error).ShouldBe(Provisioning.Refused);
        error.ShouldContain("longer than 1024");
    }

    [Fact]
    public void The_same_file_at_every_start_writes_once()
    {
        for (var start = 0; start < 100; start++)
        {
            Take(Sample.Json, out _).ShouldBe(Provisioning.Stored);
        }

        _flash.Writes.ShouldBe(1);
    }

    [Fact]
    public void A_flash_that_fails_keeps_the_file_and_what_was_stored()
    {
        Take(Sample.Json, out _);
        _flash.RefuseWrites = true;
        Take(Sample.FullJson, out var error).ShouldBe(Provisioning.NotStored);
        error.ShouldBe("the flash could not be written");
        Stored().ShouldBe(Sample.Settings().Text());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_power_cut_anywhere_from_the_first_byte_to_the_deletion_of_the_file_ends_with_the_new_settings(bool inPlace)
    {
        var length = SettingsRecord.Encode(1, SettingsWriter.Write(Sample.Settings(Sample.FullJson))).Length;
        for (var at = 0; at <= length; at++)
        {
            var flash = new FakeFlash();
            ProvisioningFile.Take(Sample.Json.Bytes(), new SettingsStore(flash), out _).ShouldBe(Provisioning.Stored);
            flash.Cut = new PowerCut(0, at, inPlace);
            ProvisioningFile.Take(Sample.FullJson.Bytes(), new SettingsStore(flash), out _).ShouldBe(Provisioning.NotStored);
            flash.PowerGone = false;

            // The file is still there at the next start, and at the one after it when the power goes again before it is deleted.
            for (var start = 0; start < 2; start++)
            {
                ProvisioningFile.Take(Sample.FullJson.Bytes(), new SettingsStore(flash), out _).ShouldBe(Provisioning.Stored);
            }

            flash.Writes.ShouldBeLessThanOrEqualTo(3);
            new SettingsStore(flash).Load().Text().ShouldBe(Sample.Settings(Sample.FullJson).Text());
        }
    }

    private Provisioning Take(string file, out string error) =>
        ProvisioningFile.Take(file.Bytes(), new SettingsStore(_flash), out error);

    private string Stored() => new SettingsStore(_flash).Load().Text();
}
