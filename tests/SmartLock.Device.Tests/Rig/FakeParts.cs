using System.Text;
using System.Text.Json;

namespace SmartLock.Device.Tests.Rig;

internal sealed class ManualClock : IClock
{
    /// <summary>2025-11-21T02:00:00Z.</summary>
    public const long Start = 1763690400000;

    public long UnixMs { get; set; } = Start;

    public long UptimeMs { get; set; }

    public void Advance(long ms)
    {
        UnixMs = UnixMs == 0 ? 0 : UnixMs + ms;
        UptimeMs += ms;
    }
}

/// <summary>The power ends in a write: so many bytes of it are kept, over nothing (the file was emptied first) or over what stood there.</summary>
internal sealed record PowerCut(int AfterWrites, int AtByte, bool InPlace)
{
    public byte[] Kept(byte[]? before, byte[] record) =>
        [.. record[..Math.Min(AtByte, record.Length)], .. InPlace && before?.Length > AtByte ? before[AtByte..] : []];
}

/// <summary>Flash that outlives the brain, and fails on demand.</summary>
internal sealed class FakeFlash : ISlotStore
{
    public byte[]?[] Slots { get; } = new byte[]?[2];

    public int Writes { get; private set; }

    public bool RefuseWrites { get; set; }

    public bool ThrowOnWrite { get; set; }

    public bool ThrowOnRead { get; set; }

    /// <summary>Says it wrote, and keeps half of it.</summary>
    public bool Worn { get; set; }

    /// <summary>A slot that fails every write and keeps what it held.</summary>
    public int? DeadSlot { get; set; }

    /// <summary>The next write to this slot is cut short by the end of power: half of it is kept, and nothing after it.</summary>
    public int? TearIn { get; set; }

    /// <summary>Like <see cref="TearIn"/>, at any byte of the write after the given number of whole ones.</summary>
    public PowerCut? Cut { get; set; }

    /// <summary>No power: nothing is written.</summary>
    public bool PowerGone { get; set; }

    /// <summary>Called with the record that is about to be written.</summary>
    public Action? Writing { get; set; }

    public byte[]? Read(int slot) => ThrowOnRead ? throw new IOException("flash gone") : Slots[slot];

    public bool Write(int slot, byte[] record)
    {
        Writing?.Invoke();
        if (ThrowOnWrite)
        {
            throw new IOException("flash full");
        }

        if (RefuseWrites || PowerGone || slot == DeadSlot)
        {
            return false;
        }

        Writes++;
        if (slot == TearIn)
        {
            TearIn = null;
            PowerGone = true;
            Slots[slot] = record[..(record.Length / 2)];
            return false;
        }

        if (Cut is { AfterWrites: 0 } cut)
        {
            Cut = null;
            PowerGone = true;
            Slots[slot] = cut.Kept(Slots[slot], record);
            return false;
        }

        Cut = Cut is null ? null : Cut with { AfterWrites = Cut.AfterWrites - 1 };
        Slots[slot] = Worn ? record[..(record.Length / 2)] : record;
        return true;
    }
}

internal sealed class FakeBolt : IBolt
{
    public BoltStatus Position { get; set; } = BoltStatus.Locked;

    public int Movements { get; private set; }

    public bool Jammed { get; set; }

    public bool Throws { get; set; }

    public bool Move(bool locked)
    {
        Movements++;
        if (Throws)
        {
            throw new InvalidOperationException("motor driver gone");
        }

        if (Jammed)
        {
            return false;
        }

        Position = locked ? BoltStatus.Locked : BoltStatus.Unlocked;
        return true;
    }
}

internal sealed class FakeLight : IOutputLine
{
    public bool Lit { get; private set; }

    public void Write(bool lit) => Lit = lit;
}

internal sealed class FakeChance : IChance
{
    public int Below(int bound) => 0;
}

internal sealed class FakeGauges : IGauges
{
    public int Rssi { get; set; } = -61;

    public int BatteryMillivolts { get; set; }

    public bool IsBatteryLow { get; set; }

    public bool IsDoorOpen { get; set; }
}

internal sealed class FakeOutbox : IOutbox
{
    public List<(string Topic, JsonElement Report)> Sent { get; } = [];

    /// <summary>The last one as it was sent.</summary>
    public string LastText { get; private set; } = "";

    public bool Full { get; set; }

    public Action? Sending { get; set; }

    public JsonElement Last => Sent[^1].Report;

    public bool Send(string topic, byte[] payload)
    {
        Sending?.Invoke();
        if (Full)
        {
            return false;
        }

        LastText = Encoding.ASCII.GetString(payload);
        Sent.Add((topic, JsonDocument.Parse(payload).RootElement));
        return true;
    }
}

internal sealed class FakeLog : ILog, IDecisionListener
{
    public List<string> Lines { get; } = [];

    public List<Decision> Decisions { get; } = [];

    /// <summary>There is no memory for a line.</summary>
    public bool Fails { get; set; }

    public void Write(string line)
    {
        if (Fails)
        {
            throw new InvalidOperationException("out of memory");
        }

        Lines.Add(line);
    }

    public void Decided(Decision decision) => Decisions.Add(decision);
}

internal static class JsonText
{
    public static byte[] Bytes(this string text) => Encoding.UTF8.GetBytes(text);
}
