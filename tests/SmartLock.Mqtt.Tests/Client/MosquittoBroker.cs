using SmartLock.Testing;

namespace SmartLock.Mqtt.Tests.Client;

/// <summary>A real mosquitto for a class of tests. Its absence skips them.</summary>
public sealed class MosquittoBroker : IAsyncLifetime
{
    private Mosquitto? _broker;

    public int Port => Running.Port;

    public int PasswordPort => Running.PasswordPort;

    public int TlsPort => Running.TlsPort;

    public string CertificateAuthorityFile => Running.CertificateAuthorityFile;

    public bool IsRunning => _broker is not null;

    private Mosquitto Running => _broker ?? throw new InvalidOperationException("mosquitto is not installed");

    public async ValueTask InitializeAsync()
    {
        if (Mosquitto.Executable is not null)
        {
            _broker = await Mosquitto.StartNewAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_broker is not null)
        {
            await _broker.DisposeAsync();
        }
    }
}
