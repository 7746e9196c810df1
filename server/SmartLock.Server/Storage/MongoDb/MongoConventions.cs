using System.Globalization;
using System.Text;
using MongoDB.Bson;
using MongoDB.Bson.Serialization;
using MongoDB.Bson.Serialization.Conventions;
using MongoDB.Bson.Serialization.Serializers;

namespace SmartLock.Server.Storage.MongoDb;

/// <summary>
/// How the records of this server lie in documents: members in snake_case, enums by name, times as Unix milliseconds, null as absent (which sparse
/// and partial indexes need). Elements without a member are ignored.
/// </summary>
internal static class MongoConventions
{
    private const string OwnNamespace = "SmartLock.Server";

    private static readonly Lazy<bool> Registered = new(() =>
    {
        var pack = new ConventionPack
        {
            new IgnoreExtraElementsConvention(true),
            new IgnoreIfNullConvention(true),
            new EnumRepresentationConvention(BsonType.String),
            new DelegateMemberMapConvention("snake_case", map => map.SetElementName(SnakeCaseOf(map.MemberName))),
            new DelegateMemberMapConvention("times", SetTimeSerializer),
        };
        ConventionRegistry.Register("smartlock", pack, type => type.Namespace?.StartsWith(OwnNamespace, StringComparison.Ordinal) is true);
        BsonClassMap.RegisterClassMap<Lock>(map =>
        {
            map.AutoMap();
            map.MapIdMember(l => l.DeviceId);
        });
        return true;
    });

    /// <summary>Once for the process, before the first record is read or written.</summary>
    public static void Register() => _ = Registered.Value;

    private static string SnakeCaseOf(string member)
    {
        var name = new StringBuilder(member.Length + 4);
        foreach (var c in member)
        {
            if (char.IsAsciiLetterUpper(c) && name.Length > 0)
            {
                name.Append('_');
            }

            name.Append(char.ToLower(c, CultureInfo.InvariantCulture));
        }

        return name.ToString();
    }

    private static void SetTimeSerializer(BsonMemberMap map)
    {
        if (map.MemberType == typeof(DateTimeOffset))
        {
            map.SetSerializer(UnixMilliseconds.Instance);
        }
        else if (map.MemberType == typeof(DateTimeOffset?))
        {
            map.SetSerializer(new NullableSerializer<DateTimeOffset>(UnixMilliseconds.Instance));
        }
    }

    private sealed class UnixMilliseconds : StructSerializerBase<DateTimeOffset>
    {
        public static readonly UnixMilliseconds Instance = new();

        public override DateTimeOffset Deserialize(BsonDeserializationContext context, BsonDeserializationArgs args) =>
            DateTimeOffset.FromUnixTimeMilliseconds(BsonSerializer.LookupSerializer<long>().Deserialize(context));

        public override void Serialize(BsonSerializationContext context, BsonSerializationArgs args, DateTimeOffset value) =>
            context.Writer.WriteInt64(value.ToUnixTimeMilliseconds());
    }
}
