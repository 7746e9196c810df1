using Microsoft.Data.Sqlite;

namespace SmartLock.Benchmarks;

/// <summary>What the store holds of the devices' heartbeats, read from its file as any SQLite client reads it.</summary>
internal static class StoredHeartbeats
{
    /// <exception cref="InvalidOperationException">A device's last heartbeat is not the one stored.</exception>
    public static void Check(string folder, int devices, long lastSentAt)
    {
        if (Count(folder, lastSentAt) is var stored && stored != devices)
        {
            throw new InvalidOperationException($"The store holds the last heartbeat of {stored} devices, not of {devices}.");
        }
    }

    /// <summary>How many devices' last stored heartbeat is of that time.</summary>
    public static long Count(string folder, long lastSentAt)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "smartlock.db")};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT count(*) FROM locks WHERE sent_at = $last AND state = 'Available' AND status = 'Locked'";
        command.Parameters.AddWithValue("$last", lastSentAt);
        return (long)command.ExecuteScalar()!;
    }
}
