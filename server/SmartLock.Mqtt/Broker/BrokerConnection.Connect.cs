using System.IO.Pipelines;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Broker;

internal sealed partial class BrokerConnection
{
    private readonly X509Certificate2? _certificate;
    private CancellationTokenSource? _waitCancellation;
    private MqttProperties? _connAckProperties;
    private bool _wantsProblemInformation = true;

    internal void WriteConnAck(bool sessionPresent, ref Turn turn)
    {
        var packet = new ConnAckPacket(sessionPresent, MqttReasonCode.Success, _connAckProperties);
        _connAckProperties = null;
        WriteConnAck(packet, ref turn);
        Volatile.Write(ref _isWelcome, true);
    }

    /// <returns>False when the connection is over.</returns>
    private async Task<bool> ConnectAsync(CancellationToken aborted)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(aborted);
        _waitCancellation = cancellation;
        try
        {
            if (await ReadConnectAsync(cancellation.Token).ConfigureAwait(false) is not { } connect)
            {
                return false;
            }

            try
            {
                return await AcceptAsync(connect, cancellation.Token).ConfigureAwait(false);
            }
            finally
            {
                CryptographicOperations.ZeroMemory(MemoryMarshal.AsMemory(connect.Password ?? default).Span);
            }
        }
        finally
        {
            // Close() may be about to cancel it: taken away under the same lock.
            lock (_gate)
            {
                _waitCancellation = null;
            }
        }
    }

    private void CancelWait()
    {
        lock (_gate)
        {
            _waitCancellation?.Cancel();
        }
    }

    private async Task<ConnectPacket?> ReadConnectAsync(CancellationToken ct)
    {
        while (!IsClosing)
        {
            var result = await _transport.Input.ReadAsync(ct).ConfigureAwait(false);
            if (TryParseConnect(result, out var connect))
            {
                return connect;
            }

            if (result.IsCompleted)
            {
                return null;
            }
        }

        return null;
    }

    private bool TryParseConnect(ReadResult result, out ConnectPacket? connect)
    {
        connect = null;
        var buffer = result.Buffer;
        if (!MqttFrame.TryRead(ref buffer, (uint)Math.Min(_core.Options.MaxConnectSize, _core.Options.MaxPacketSize), out var header, out var body))
        {
            _transport.Input.AdvanceTo(buffer.Start, buffer.End);
            return false;
        }

        if (MqttFrame.TypeOf(header) != MqttPacketType.Connect)
        {
            MqttProtocolException.ThrowProtocolError("The first packet is not a CONNECT.");
        }

        using var whole = new ContiguousBody(body);
        var version = ConnectPacket.PeekVersion(whole.Span);
        try
        {
            connect = ConnectPacket.Read(whole.Span);
        }
        catch (MqttProtocolException e) when (version == MqttProtocolVersion.V500 || e.ReasonCode == MqttReasonCode.UnsupportedProtocolVersion)
        {
            // A faulty CONNECT of 3.1.1 gets no answer [MQTT-3.1.4-1].
            _core.Counters.ProtocolError();
            Outbound.Configure(version == MqttProtocolVersion.Unknown ? MqttProtocolVersion.V311 : version, uint.MaxValue, topicAliases: 0);
            Refuse(e.ReasonCode);
        }

        _transport.Input.AdvanceTo(buffer.Start);
        return true;
    }

    private async ValueTask<bool> AcceptAsync(ConnectPacket connect, CancellationToken ct)
    {
        var properties = connect.Properties;
        var aliases = Math.Min(properties?.TopicAliasMaximum ?? 0, _core.Options.MaxTopicAliases);
        Outbound.Configure(connect.ProtocolVersion, properties?.MaximumPacketSize ?? uint.MaxValue, aliases, _core.Options.MaxTopicAliasBytes);
        if (CheckConnect(connect) is { } refusal)
        {
            return Refuse(refusal);
        }

        var clientId = connect.ClientId.Length > 0 ? connect.ClientId : "auto-" + RandomNumberGenerator.GetHexString(24, lowercase: true);
        // Twice at most ever matters: a third change while one client logs in is as good as a refusal.
        for (var attempt = 0; attempt < 3; attempt++)
        {
            var revocations = _core.Sessions.Revocations;
            var authentication = await AuthenticateAsync(connect, ct).ConfigureAwait(false);
            if (authentication.Identity is not { } identity)
            {
                var reason = authentication.ReasonCode.IsFailure() ? authentication.ReasonCode : MqttReasonCode.NotAuthorized;
                return await WaitWithRefusalAsync(reason, ct).ConfigureAwait(false) && Refuse(reason);
            }

            Identity = identity;
            _will = connect.Will is { } will ? new Will(_core, will, identity) : null;
            if (_will is not null && _will.Authorize() is var answer && answer.IsFailure())
            {
                _will = null;
                return Refuse(MqttReasonCode.NotAuthorized);
            }

            ApplyLimits(connect, clientId);
            if (SessionExpiryMilliseconds > 0 && _core.Journal is { IsFull: true })
            {
                _will = null;
                return Refuse(MqttReasonCode.ServerUnavailable);
            }

            if (!CanBeWelcomed())
            {
                _will = null;
                return Refuse(MqttReasonCode.PacketTooLarge);
            }

            if (TryAttach(connect, clientId, revocations))
            {
                return true;
            }

            if (revocations == _core.Sessions.Revocations)
            {
                break;
            }
        }

        _will = null;
        return Refuse(MqttReasonCode.QuotaExceeded);
    }

    private async ValueTask<MqttAuthentication> AuthenticateAsync(ConnectPacket connect, CancellationToken ct)
    {
        var request = new MqttConnectRequest(
            connect.ClientId,
            connect.UserName,
            connect.Password ?? default,
            _remoteEndPoint,
            connect.ProtocolVersion,
            _certificate);
        try
        {
            // Not left to the authenticator: one that does not heed its token must not hold the connection.
            return await _core.Authenticator.AuthenticateAsync(request, ct).AsTask().WaitAsync(ct).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // An authenticator that cannot answer lets nobody in; the client may try again.
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
#pragma warning restore CA1031
        {
            BrokerLog.AuthenticatorFailed(_core.Logger, e);
            return MqttAuthentication.Refuse(MqttReasonCode.ServerUnavailable);
        }
    }

    private bool TryAttach(ConnectPacket connect, string clientId, int revocations)
    {
        var turn = default(Turn);
        try
        {
            // One string where the client goes by the name of its login, as devices do: it stays as long as the session.
            var key = new SessionKey(Identity.Name, clientId == Identity.Name ? Identity.Name : clientId);
            if (_core.Sessions.Attach(this, key, connect.CleanStart, revocations, ref turn) is not { } attached)
            {
                return false;
            }

            _core.Counters.ConnectionAccepted();
            BrokerLog.Accepted(_core.Logger, Identity.Name, _remoteEndPoint);
            _lastRead = _core.Clock.Now;
            _core.Deadlines.Cancel(this);
            if (_idleLimit > 0)
            {
                _core.Deadlines.Set(this, _lastRead + _idleLimit);
            }

            _will?.Session = attached.Session;
            attached.Session.Pump(this, ref turn);
            return true;
        }
        finally
        {
            turn.End(_core.Counters);
        }
    }

    private bool Refuse(MqttReasonCode reason)
    {
        _core.Counters.ConnectionRefused();
        BrokerLog.Refused(_core.Logger, _remoteEndPoint, reason);
        var turn = default(Turn);
        WriteConnAck(new ConnAckPacket(SessionPresent: false, ReasonCodeRules.Fit(MqttPacketType.ConnAck, reason)), ref turn);
        turn.End(_core.Counters);
        Volatile.Write(ref _isToldWhy, true);
        return false;
    }

    private void WriteConnAck(ConnAckPacket packet, ref Turn turn)
    {
        Outbound.TryWrite((packet, Version), static (p, output) => p.packet.WriteTo(output, p.Version), ref turn);
    }

    /// <summary>False when the client takes no packet as large as the CONNACK that accepts it; a refusal is smaller.</summary>
    private bool CanBeWelcomed()
    {
        return (uint)new ConnAckPacket(SessionPresent: false, MqttReasonCode.Success, _connAckProperties).GetSize(Version) <= Outbound.MaximumPacketSize;
    }
}
