namespace SmartLock.Testing.Scenarios;

/// <summary>
/// Where a scenario is played: a lock with all around it that can be switched. Each call returns once everything it set off, up to what
/// the server hears, is over.
/// </summary>
public interface IScenarioBench
{
    /// <summary>Unix milliseconds, by the server's clock; only waiting for something moves it.</summary>
    long Now { get; }

    bool IsConnected { get; }

    /// <summary>Times that the bolt was driven to its end.</summary>
    long BoltMovements { get; }

    /// <summary>Counts by kind since the first start, over all boots.</summary>
    IReadOnlyDictionary<string, long> Refusals();

    Task AdvanceAsync(long milliseconds);

    Task ConnectAsync();

    Task SendAsync(string topic, byte[] payload, bool retained);

    Task SetWifiAsync(bool isThere);

    Task SetBrokerAsync(bool isThere);

    Task PowerOffAsync();

    /// <summary>10 s after it went.</summary>
    Task PowerOnAsync();

    void PowerOffAtBolt();

    /// <summary>Loses its power, and boots with this key.</summary>
    Task ProvisionAsync(string keyHex);

    void Jam(bool jammed);

    void TurnBolt(bool locked);

    void SetBattery(bool low);

    /// <param name="offsetMs">How far the lock's clock is ahead (or, negative, behind); null: not set.</param>
    void SetClock(long? offsetMs);
}
