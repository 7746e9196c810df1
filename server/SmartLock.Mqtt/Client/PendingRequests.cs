using SmartLock.Mqtt.Packets;

namespace SmartLock.Mqtt.Client;

/// <summary>SUBSCRIBE and UNSUBSCRIBE packets of one connection that wait for their answer.</summary>
internal sealed class PendingRequests
{
    private readonly Lock _gate = new();
    private Dictionary<ushort, Request>? _requests;
    private bool _isClosed;

    /// <summary>Registers a request before it is sent.</summary>
    public Task<IReadOnlyList<MqttReasonCode>> Add(ushort packetId, MqttPacketType answer, int count)
    {
        var request = new Request(answer, count);
        lock (_gate)
        {
            if (_isClosed)
            {
                return Task.FromException<IReadOnlyList<MqttReasonCode>>(CreateFailure());
            }

            _requests ??= [];
            _requests.Add(packetId, request);
        }

        return request.Completion.Task;
    }

    /// <exception cref="MqttProtocolException">Nothing of this kind was asked, or the number of codes is wrong.</exception>
    public void Answer(ushort packetId, MqttPacketType type, IReadOnlyList<MqttReasonCode> codes)
    {
        Request? request = null;
        lock (_gate)
        {
            _requests?.Remove(packetId, out request);
        }

        // A 3.1.1 UNSUBACK carries no codes: all went well.
        var answer = type == MqttPacketType.UnsubAck && codes.Count == 0 && request is not null
            ? new MqttReasonCode[request.Count]
            : codes;
        if (request is null || request.Answer != type || answer.Count != request.Count)
        {
            request?.Completion.TrySetException(CreateFailure());
            MqttProtocolException.ThrowProtocolError("The broker answered a request that was not made.");
        }

        request.Completion.TrySetResult(answer);
    }

    public void Fail()
    {
        Request[] abandoned;
        lock (_gate)
        {
            _isClosed = true;
            abandoned = _requests is null ? [] : [.. _requests.Values];
            _requests = null;
        }

        foreach (var request in abandoned)
        {
            if (request.Completion.TrySetException(CreateFailure()))
            {
                // Who asked may have been cancelled and gone.
                _ = request.Completion.Task.Exception;
            }
        }
    }

    private static MqttNotConnectedException CreateFailure() => new("The connection was lost before the broker answered.");

    private sealed record Request(MqttPacketType Answer, int Count)
    {
        public TaskCompletionSource<IReadOnlyList<MqttReasonCode>> Completion { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
