using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace SmartLock.Server.Infrastructure;

/// <summary>
/// Kestrel's sockets, of which no more are accepted than <see cref="ConnectionBounds.Whole"/>. Kestrel accepts faster than it runs what bounds the
/// connections of each kind, and a burst would take the last file descriptor in between. Those who are not accepted yet wait in the system's queue,
/// which costs the process nothing, for the moment until one of the bounds has sent another away.
/// </summary>
internal sealed class BoundedListening(SocketTransportFactory sockets, OpenSockets open) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton<OpenSockets>();
        services.AddSingleton<IConnectionListenerFactory>(provider => new BoundedListening(
            ActivatorUtilities.CreateInstance<SocketTransportFactory>(provider), provider.GetRequiredService<OpenSockets>()));
    }

    public bool CanBind(EndPoint endpoint) => ((IConnectionListenerFactorySelector)sockets).CanBind(endpoint);

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default) =>
        new Listener(await sockets.BindAsync(endpoint, cancellationToken), open);

    private sealed class Listener(IConnectionListener inner, OpenSockets open) : IConnectionListener
    {
        private readonly CancellationTokenSource _unbound = new();

        public EndPoint EndPoint => inner.EndPoint;

        public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
        {
            await open.WhenRoomAsync(_unbound.Token);
            var connection = await inner.AcceptAsync(cancellationToken);
            if (connection is not null)
            {
                open.Add(connection);
            }

            return connection;
        }

        public async ValueTask UnbindAsync(CancellationToken cancellationToken = default)
        {
            await _unbound.CancelAsync();
            await inner.UnbindAsync(cancellationToken);
        }

        public async ValueTask DisposeAsync()
        {
            await inner.DisposeAsync();
            _unbound.Dispose();
        }
    }
}

/// <summary>Counts the sockets of all endpoints from when they are accepted to when they are closed.</summary>
internal sealed class OpenSockets(ConnectionBounds bounds)
{
    private readonly System.Threading.Lock _gate = new();
    private TaskCompletionSource? _room;
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Ends without room when the listener stops: what is accepted then is nothing any more.</summary>
    public Task WhenRoomAsync(CancellationToken unbound)
    {
        lock (_gate)
        {
            if (_count < bounds.Whole)
            {
                return Task.CompletedTask;
            }

            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return WaitAsync(_room.Task, unbound);
        }
    }

    public void Add(ConnectionContext connection)
    {
        lock (_gate)
        {
            _count++;
        }

        connection.ConnectionClosed.UnsafeRegister(static state => ((OpenSockets)state!).Leave(), this);
    }

    private void Leave()
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            _count--;
            room = _room;
            _room = null;
        }

        room?.SetResult();
    }

    private static async Task WaitAsync(Task room, CancellationToken unbound) =>
        await room.WaitAsync(unbound).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
}
