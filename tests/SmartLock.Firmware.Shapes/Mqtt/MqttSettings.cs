namespace nanoFramework.M2Mqtt;

/// <summary>One for all clients.</summary>
public class MqttSettings
{
    private MqttSettings()
    {
    }

    public static MqttSettings Instance { get; } = new();

    public int InflightQueueSize { get; set; } = int.MaxValue;

    public bool ValidateServerCertificate { get; set; } = true;
}
