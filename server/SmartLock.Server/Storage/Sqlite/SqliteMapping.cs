using System.Buffers.Binary;
using System.Data;
using System.Reflection;
using Dapper;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// How Dapper maps columns to members: by name alone (device_id to DeviceId), records included. Times are stored as Unix milliseconds, enums by
/// name, lists of words with commas between them, lists of numbers as bytes. Dapper reads enums by name, but would write their numbers:
/// a parameter is given the name.
/// </summary>
internal static class SqliteMapping
{
    public static void Register()
    {
        DefaultTypeMap.MatchNamesWithUnderscores = true;
        SqlMapper.TypeMapProvider = static type => new ByName(type);
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset));
        SqlMapper.RemoveTypeMap(typeof(DateTimeOffset?));
        SqlMapper.AddTypeHandler(new Times());
        SqlMapper.AddTypeHandler(new Words());
        SqlMapper.AddTypeHandler(new Bytes());
        SqlMapper.AddTypeHandler(new Numbers());
    }

    private sealed class Times : SqlMapper.TypeHandler<DateTimeOffset>
    {
        public override void SetValue(IDbDataParameter parameter, DateTimeOffset value) => parameter.Value = value.ToUnixTimeMilliseconds();

        public override DateTimeOffset Parse(object value) => DateTimeOffset.FromUnixTimeMilliseconds((long)value);
    }

    private sealed class Words : SqlMapper.TypeHandler<IReadOnlyList<string>>
    {
        public override void SetValue(IDbDataParameter parameter, IReadOnlyList<string>? value) =>
            parameter.Value = value is null ? DBNull.Value : string.Join(',', value);

        public override IReadOnlyList<string> Parse(object value) => ((string)value).Split(',');
    }

    private sealed class Bytes : SqlMapper.TypeHandler<ReadOnlyMemory<byte>>
    {
        public override void SetValue(IDbDataParameter parameter, ReadOnlyMemory<byte> value) => parameter.Value = value.ToArray();

        public override ReadOnlyMemory<byte> Parse(object value) => (byte[])value;
    }

    /// <summary>Four bytes each, the greatest first.</summary>
    private sealed class Numbers : SqlMapper.TypeHandler<IReadOnlyList<uint>>
    {
        public override void SetValue(IDbDataParameter parameter, IReadOnlyList<uint>? value)
        {
            var bytes = new byte[value!.Count * sizeof(uint)];
            for (var i = 0; i < value.Count; i++)
            {
                BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(i * sizeof(uint)), value[i]);
            }

            parameter.Value = bytes;
        }

        public override IReadOnlyList<uint> Parse(object value) =>
            [.. ((byte[])value).Chunk(sizeof(uint)).Select(bytes => BinaryPrimitives.ReadUInt32BigEndian(bytes))];
    }

    /// <summary>
    /// Makes a record with the default of every member and then sets those that have a column. By itself Dapper wants the columns to be exactly
    /// the constructor's parameters, in their order.
    /// </summary>
    private sealed class ByName(Type type) : SqlMapper.ITypeMap
    {
        private readonly DefaultTypeMap _members = new(type);

        public ConstructorInfo? FindConstructor(string[] names, Type[] types) => FindExplicitConstructor();

        public ConstructorInfo? FindExplicitConstructor() =>
            type.GetConstructors(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .Where(constructor => !IsCopy(constructor))
                .MinBy(constructor => constructor.GetParameters().Length);

        public SqlMapper.IMemberMap? GetConstructorParameter(ConstructorInfo constructor, string columnName) => null;

        public SqlMapper.IMemberMap? GetMember(string columnName) => _members.GetMember(columnName);

        private bool IsCopy(ConstructorInfo constructor) => constructor.GetParameters() is [var only] && only.ParameterType == type;
    }
}
