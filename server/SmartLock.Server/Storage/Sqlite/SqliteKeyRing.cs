using System.Xml.Linq;
using Microsoft.AspNetCore.DataProtection.Repositories;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// The Data Protection keys as files in the data folder, apart from the store that they encrypt. The store remembers which there were, so that a lost one
/// is missed at the next start (<see cref="SqliteKeys"/>). Data Protection asks for them without async, a few times a day.
/// </summary>
internal sealed class SqliteKeyRing(SqliteDatabase database, DataFolder folder, ILoggerFactory loggers)
    : FileSystemXmlRepository(new DirectoryInfo(folder.File(SqliteKeys.RingFolder)), loggers)
{
    private const string KeyPrefix = "key-";

    /// <summary>Makes no folder, where the base class would.</summary>
    public override IReadOnlyCollection<XElement> GetAllElements() => System.IO.Directory.Exists(Directory.FullName) ? base.GetAllElements() : [];

    /// <summary>The file first: one that is remembered and was never written would keep the server from starting.</summary>
    public override void StoreElement(XElement element, string friendlyName)
    {
        database.Open();
        folder.Subfolder(SqliteKeys.RingFolder);
        base.StoreElement(element, friendlyName);
        if (friendlyName.StartsWith(KeyPrefix, StringComparison.Ordinal))
        {
            database.WriteAsync(
                Durability.Full,
                session =>
                {
                    SqliteKeys.Record(session, friendlyName);
                    return true;
                },
                CancellationToken.None).GetAwaiter().GetResult();
        }
    }
}
