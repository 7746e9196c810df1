using Microsoft.Data.Sqlite;
using SmartLock.Server.Audit;

namespace SmartLock.Server.Storage.Sqlite;

/// <summary>
/// Entries with the heads of their chains, without a mapper in between: <c>audit verify</c> reads every entry there is. A column's place is
/// looked up by its name once for all rows.
/// </summary>
internal static class SqliteChainRows
{
    public static List<ChainRow> ReadAll(SqliteDataReader rows)
    {
        var (id, deviceId, sequence, time) = (rows.GetOrdinal("id"), rows.GetOrdinal("device_id"), rows.GetOrdinal("sequence"), rows.GetOrdinal("time"));
        var (actor, action, result, commandId) = (rows.GetOrdinal("actor"), rows.GetOrdinal("action"), rows.GetOrdinal("result"), rows.GetOrdinal("command_id"));
        var (target, issue, previous, hash) = (rows.GetOrdinal("target"), rows.GetOrdinal("issue"), rows.GetOrdinal("previous_hash"), rows.GetOrdinal("hash"));
        var (headSequence, headHash, seal) = (rows.GetOrdinal("head_seq"), rows.GetOrdinal("head_hash"), rows.GetOrdinal("seal"));
        var found = new List<ChainRow>();
        while (rows.Read())
        {
            var entry = new ChainedEntry(
                rows.GetInt64(id),
                rows.GetString(deviceId),
                rows.GetInt64(sequence),
                rows.GetInt64(time),
                rows.GetString(actor),
                rows.GetString(action),
                rows.GetString(result),
                Text(commandId),
                Text(target),
                Bytes(previous),
                Bytes(hash),
                Text(issue));
            found.Add(new ChainRow(entry, rows.IsDBNull(headSequence) ? null : new ChainHead(rows.GetInt64(headSequence), Bytes(headHash), Bytes(seal))));
        }

        return found;

        string? Text(int column) => rows.IsDBNull(column) ? null : rows.GetString(column);

        byte[] Bytes(int column) => rows.GetFieldValue<byte[]>(column);
    }
}
