using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using SmartLock.Server.Locks;
using SmartLock.Server.Messaging;

namespace SmartLock.Server.Heartbeats;

/// <summary>
/// A status, heartbeat or last will as a device sent it: spans into the payload, or into the caller's scratch buffer for a
/// string with escapes. Says nothing about whether it is to be believed.
/// </summary>
internal ref struct StatusMessage
{
    /// <summary>Our own longest form has 490 bytes.</summary>
    public const int MaxPayloadBytes = Signatures.MaxMessageBytes;

    public const int MaxDeviceIdBytes = Topics.MaxDeviceIdLength;
    private const int MaxTextBytes = 64;
    private const int BootLength = 16;
    private static readonly SearchValues<byte> HexDigits = SearchValues.Create("0123456789abcdef"u8);
    private const int LongestName = 12;

    public ReadOnlySpan<byte> DeviceId;

    /// <summary>Empty for none. <see cref="LockIssues.Unreadable"/> for one that is no text of 1 to 64 printable ASCII characters.</summary>
    public ReadOnlySpan<byte> Issue;
    public ReadOnlySpan<byte> CommandId;
    public ReadOnlySpan<byte> Result;

    /// <summary>Printable ASCII; empty for anything else.</summary>
    public ReadOnlySpan<byte> Firmware;

    /// <summary>16 lowercase hexadecimal digits; empty for anything else.</summary>
    public ReadOnlySpan<byte> Boot;

    /// <summary>The words as sent: the sketch swaps the two.</summary>
    public ReadOnlySpan<byte> StatusText;
    public ReadOnlySpan<byte> StateText;
    public ReadOnlySpan<byte> TopicsText;

    /// <summary>Unix milliseconds by the device's clock.</summary>
    public long? SentAt;
    public long? ConnectedAt;
    public long? UptimeS;
    public int? Rssi;
    public int? BatteryMv;

    private MemberSet _seen;

    /// <summary>The bolt is whichever of the two fields says so: the original sketch reports it in <c>state</c>.</summary>
    public readonly LockStatus Status => BoltOf(StatusText) is var status and not LockStatus.Unknown ? status : BoltOf(StateText);

    /// <summary>Only a last will has <c>state: "Unavailable"</c> and no status.</summary>
    public readonly bool IsWill => StatusText.IsEmpty && StateText.SequenceEqual("Unavailable"u8);

    public readonly bool? OwnTopics => TopicsText.IsEmpty ? null : TopicsText.SequenceEqual("own"u8);

    /// <summary>
    /// The device id alone, which is needed to find the key that the rest is verified with. False when there is none to be read.
    /// </summary>
    /// <param name="scratch">As for <see cref="TryParse"/>.</param>
    public static bool TryFindDevice(ReadOnlySpan<byte> payload, Span<byte> scratch, out ReadOnlySpan<byte> deviceId)
    {
        deviceId = default;
        if (payload.Length > MaxPayloadBytes)
        {
            return false;
        }

        try
        {
            var json = new Utf8JsonReader(payload);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                var member = MemberOf(ref json);
                json.Read();
                if (member is Member.DeviceId)
                {
                    return json.TokenType is JsonTokenType.String && TryUnescape(ref json, ref scratch, out deviceId) && !deviceId.IsEmpty;
                }

                json.Skip();
            }

            return false;
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            // As in TryParse.
            return false;
        }
    }

    /// <summary>
    /// False for anything but one JSON object with a device id, no member twice, and the members that matter of the right type. A bad
    /// measurement, issue, firmware or boot costs that member only. Members it does not know, of any kind, are passed over, so that newer
    /// firmware is understood.
    /// </summary>
    /// <param name="scratch">Takes unescaped strings; as long as the payload is enough.</param>
    public static bool TryParse(ReadOnlySpan<byte> payload, Span<byte> scratch, out StatusMessage message)
    {
        message = default;
        if (payload.Length > MaxPayloadBytes)
        {
            return false;
        }

        try
        {
            return message.Read(payload, scratch) && !message.DeviceId.IsEmpty && !(message.StatusText.IsEmpty && message.StateText.IsEmpty);
        }
        catch (JsonException)
        {
            return false;
        }
        catch (InvalidOperationException)
        {
            // Utf8JsonReader's word for invalid UTF-8 or lone surrogates inside a string.
            return false;
        }
    }

    private static LockStatus BoltOf(ReadOnlySpan<byte> text)
    {
        if (text.SequenceEqual("Locked"u8))
        {
            return LockStatus.Locked;
        }

        return text.SequenceEqual("Unlocked"u8) ? LockStatus.Unlocked : LockStatus.Unknown;
    }

    private bool Read(ReadOnlySpan<byte> payload, Span<byte> scratch)
    {
        var json = new Utf8JsonReader(payload);
        if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            var member = MemberOf(ref json);
            json.Read();
            if (!ReadMember(member, ref json, ref scratch))
            {
                return false;
            }
        }

        // Read throws on anything but white space after the object.
        return json.TokenType == JsonTokenType.EndObject && !json.Read();
    }

    private bool ReadMember(Member member, scoped ref Utf8JsonReader json, scoped ref Span<byte> scratch)
    {
        if (member != Member.Unknown && !_seen.Add(member))
        {
            return false;
        }

        if (json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
        {
            json.Skip();
            return member is Member.Unknown || TakeUnreadable(member);
        }

        if (member is Member.Unknown || json.TokenType is JsonTokenType.Null)
        {
            return true;
        }

        return member switch
        {
            Member.SentAt => TryReadNumber(ref json, 0, long.MaxValue, out SentAt),
            Member.ConnectedAt => TryReadNumber(ref json, 0, long.MaxValue, out ConnectedAt),
            Member.UptimeS => TryReadNumber(ref json, 0, long.MaxValue, out UptimeS) || TakeUnreadable(member),
            Member.Rssi => TryReadNumber(ref json, out Rssi) || TakeUnreadable(member),
            Member.BatteryMv => TryReadNumber(ref json, out BatteryMv) || TakeUnreadable(member),
            _ => TryReadText(member, ref json, ref scratch) || TakeUnreadable(member),
        };
    }

    /// <summary>False for the members without which a status says nothing, or says it to the wrong command.</summary>
    private bool TakeUnreadable(Member member)
    {
        if (member is Member.Issue)
        {
            // Not none: the device says that something is wrong.
            Issue = LockIssues.UnreadableUtf8;
        }

        return member is Member.Issue or Member.Firmware or Member.Boot or Member.UptimeS or Member.Rssi or Member.BatteryMv;
    }

    private bool TryReadText(Member member, scoped ref Utf8JsonReader json, scoped ref Span<byte> scratch)
    {
        if (json.TokenType != JsonTokenType.String || !TryUnescape(ref json, ref scratch, out var text))
        {
            return false;
        }

        switch (member)
        {
            case Member.DeviceId:
                DeviceId = text;
                break;
            case Member.Status:
                StatusText = text;
                break;
            case Member.State:
                StateText = text;
                break;
            case Member.Issue when IsPrintable(text):
                Issue = text;
                break;
            case Member.CommandId:
                CommandId = text;
                break;
            case Member.Result:
                Result = text;
                break;
            case Member.Firmware when IsPrintable(text):
                Firmware = text;
                break;
            case Member.Boot when text.Length == BootLength && !text.ContainsAnyExcept(HexDigits):
                Boot = text;
                break;
            case Member.Topics:
                TopicsText = text;
                break;
            default:
                return false;
        }

        return true;
    }

    private static bool IsPrintable(ReadOnlySpan<byte> text) => !text.ContainsAnyExceptInRange((byte)0x20, (byte)0x7E);

    private static bool TryUnescape(scoped ref Utf8JsonReader json, scoped ref Span<byte> scratch, out ReadOnlySpan<byte> text)
    {
        if (json.ValueIsEscaped)
        {
            int written;
            try
            {
                written = json.CopyString(scratch);
            }
            catch (InvalidOperationException)
            {
                // Utf8JsonReader's word for lone surrogates.
                text = default;
                return false;
            }

            text = scratch[..written];
            scratch = scratch[written..];
        }
        else
        {
            text = json.ValueSpan;
        }

        return text.Length <= MaxTextBytes && !text.ContainsAnyInRange((byte)0, (byte)0x1F) && Utf8.IsValid(text);
    }

    private static bool TryReadNumber(scoped ref Utf8JsonReader json, long min, long max, out long? value)
    {
        value = null;
        if (json.TokenType != JsonTokenType.Number || !json.TryGetInt64(out var number) || number < min || number > max)
        {
            return false;
        }

        value = number;
        return true;
    }

    private static bool TryReadNumber(scoped ref Utf8JsonReader json, out int? value)
    {
        var isNumber = TryReadNumber(ref json, int.MinValue, int.MaxValue, out long? number);
        value = (int?)number;
        return isNumber;
    }

    private static Member MemberOf(scoped ref Utf8JsonReader json)
    {
        if (!json.ValueIsEscaped)
        {
            return MemberOf(json.ValueSpan);
        }

        // No name of ours grows by escapes beyond six bytes for one.
        Span<byte> name = stackalloc byte[6 * LongestName];
        return json.ValueSpan.Length <= name.Length ? MemberOf(name[..json.CopyString(name)]) : Member.Unknown;
    }

    /// <summary>The length leaves one name to compare with, or a few: this runs for every member of every heartbeat.</summary>
    private static Member MemberOf(ReadOnlySpan<byte> name) => name.Length switch
    {
        4 when name.SequenceEqual("rssi"u8) => Member.Rssi,
        4 when name.SequenceEqual("boot"u8) => Member.Boot,
        5 when name.SequenceEqual("state"u8) => Member.State,
        5 when name.SequenceEqual("issue"u8) => Member.Issue,
        6 when name.SequenceEqual("status"u8) => Member.Status,
        6 when name.SequenceEqual("result"u8) => Member.Result,
        6 when name.SequenceEqual("topics"u8) => Member.Topics,
        // The original sketch says "device".
        6 when name.SequenceEqual("device"u8) => Member.DeviceId,
        7 when name.SequenceEqual("sent_at"u8) => Member.SentAt,
        8 when name.SequenceEqual("firmware"u8) => Member.Firmware,
        8 when name.SequenceEqual("uptime_s"u8) => Member.UptimeS,
        9 when name.SequenceEqual("device_id"u8) => Member.DeviceId,
        10 when name.SequenceEqual("command_id"u8) => Member.CommandId,
        10 when name.SequenceEqual("battery_mv"u8) => Member.BatteryMv,
        LongestName when name.SequenceEqual("connected_at"u8) => Member.ConnectedAt,
        _ => Member.Unknown,
    };

    private enum Member
    {
        Status,
        State,
        Issue,
        SentAt,
        ConnectedAt,
        CommandId,
        Result,
        Firmware,
        UptimeS,
        Rssi,
        BatteryMv,
        Topics,
        Boot,
        DeviceId,
        Unknown,
    }

    private struct MemberSet
    {
        private int _bits;

        /// <summary>False when it was there already.</summary>
        public bool Add(Member member)
        {
            var bit = 1 << (int)member;
            var isNew = (_bits & bit) == 0;
            _bits |= bit;
            return isNew;
        }
    }
}
