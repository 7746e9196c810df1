using System.Reflection;

namespace SmartLock.Device.Tests.Rig;

/// <summary>
/// What an object keeps alive, counted object by object: exact where the collector's own figures hold everything else that runs.
/// </summary>
/// <param name="Objects">Each counted once.</param>
/// <param name="Bytes">As 64-bit .NET lays them out: 16 for each object, 24 for an array, 8 for a reference, 2 for a character.</param>
internal sealed record LiveGraph(int Objects, long Bytes)
{
    private const BindingFlags Fields = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <param name="root">Where to begin.</param>
    /// <param name="outside">Parts of the test that the root holds: neither they nor what they hold is counted.</param>
    public static LiveGraph Of(object root, Func<object, bool> outside)
    {
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        var open = new Stack<object>();
        var bytes = 0L;
        Add(root);
        while (open.TryPop(out var next))
        {
            bytes += (SizeOf(next) + 7) / 8 * 8;
            foreach (var reference in ReferencesOf(next))
            {
                Add(reference);
            }
        }

        return new LiveGraph(seen.Count, bytes);

        void Add(object? found)
        {
            if (found is not null and not Type && !outside(found) && seen.Add(found))
            {
                open.Push(found);
            }
        }
    }

    private static long SizeOf(object value) => value switch
    {
        string text => 22 + (2L * text.Length),
        Array array => 24 + (array.Length * SizeOfField(array.GetType().GetElementType()!)),
        _ => 16 + FieldsOf(value.GetType()).Sum(f => SizeOfField(f.FieldType)),
    };

    private static long SizeOfField(Type type)
    {
        if (!type.IsValueType)
        {
            return 8;
        }

        var kind = type.IsEnum ? Enum.GetUnderlyingType(type) : type;
        return kind.IsPrimitive ? System.Runtime.InteropServices.Marshal.SizeOf(kind) : FieldsOf(kind).Sum(f => SizeOfField(f.FieldType));
    }

    private static IEnumerable<object?> ReferencesOf(object value)
    {
        if (value is string)
        {
            return [];
        }

        if (value is Array array)
        {
            return array.GetType().GetElementType()!.IsValueType ? [] : array.Cast<object?>();
        }

        return FieldsOf(value.GetType()).Where(f => !f.FieldType.IsPrimitive && !f.FieldType.IsEnum).Select(f => f.GetValue(value));
    }

    private static IEnumerable<FieldInfo> FieldsOf(Type type)
    {
        for (var at = type; at is not null; at = at.BaseType)
        {
            foreach (var field in at.GetFields(Fields))
            {
                yield return field;
            }
        }
    }
}
