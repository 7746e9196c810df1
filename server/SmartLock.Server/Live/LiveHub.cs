using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.Options;

namespace SmartLock.Server.Live;

internal enum JoinOutcome
{
    Joined,

    /// <summary>The account has as many streams open as one may have.</summary>
    TooManyOfAccount,

    /// <summary>The network has as many streams open as one may have.</summary>
    TooManyOfNetwork,

    TooMany,
}

/// <param name="Listener">Set when joined.</param>
/// <param name="Position">The id that the stream goes on from.</param>
/// <param name="Missed">What the listener was in the audience of since its last event; whether it still may see it is not decided here.</param>
/// <param name="IsLost">What it missed is not known any more: it must read everything again.</param>
internal sealed record JoinResult(JoinOutcome Outcome, LiveListener? Listener, string Position, IReadOnlyList<Published> Missed, bool IsLost);

/// <summary>An event that has its place in the row, with the frame that goes over the wire.</summary>
internal sealed record Published(long Number, LiveEvent Event, byte[] Frame);

/// <summary>
/// The open streams, and the last events for those that come back. Event ids are <c>EPOCH-NUMBER</c>: the epoch is this process's, so that
/// an id of another is known for what it is.
/// </summary>
internal sealed class LiveHub(IOptions<LiveOptions> options)
{
    public const int MostRemembered = 20_000;

    private readonly System.Threading.Lock _gate = new();
    private readonly Published?[] _remembered = new Published?[MostRemembered];
    private readonly Dictionary<string, List<LiveListener>> _byAccount = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, int> _byNetwork = new(StringComparer.Ordinal);
    private long _last;

    /// <summary>Events up to this number are not remembered, whatever room there is.</summary>
    private long _forgotten;

    private int _count;

    /// <summary>Before the first stream nobody has an id to go on from, and nothing need be remembered: a large fleet that comes online is a lot.</summary>
    private bool _hadStreams;

    public string Epoch { get; } = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    /// <summary>Whether there was ever one: until then nobody is to be told of anything.</summary>
    public bool HadStreams
    {
        get
        {
            lock (_gate)
            {
                return _hadStreams;
            }
        }
    }

    /// <summary>How many are open.</summary>
    public int Streams
    {
        get
        {
            lock (_gate)
            {
                return _count;
            }
        }
    }

    /// <summary>
    /// What was missed is taken in the same step as the place in the hub: nothing falls between, nothing comes twice.
    /// </summary>
    /// <param name="network">Where it comes from, as <see cref="Infrastructure.ClientAddress"/> has it.</param>
    /// <param name="lastEventId">Null for a stream that begins now.</param>
    public JoinResult Join(string username, string network, string? lastEventId)
    {
        var joined = Enter(username, network, lastEventId);

        // Not under the gate: it may be a matter of thousands of events and a hundred names each.
        return joined with
        {
            Missed = [.. joined.Missed.Where(p => p.Event.Audience.Contains(username, StringComparer.OrdinalIgnoreCase))],
        };
    }

    /// <summary>Missed holds what was missed by anybody.</summary>
    private JoinResult Enter(string username, string network, string? lastEventId)
    {
        lock (_gate)
        {
            _hadStreams = true;
            var listeners = _byAccount.GetValueOrDefault(username);
            var ofNetwork = _byNetwork.GetValueOrDefault(network);
            if (RefusalOf(listeners?.Count ?? 0, ofNetwork) is { } refusal)
            {
                return new JoinResult(refusal, null, "", [], false);
            }

            if (listeners is null)
            {
                _byAccount[username] = listeners = [];
            }

            var listener = new LiveListener(this, username, network);
            listeners.Add(listener);
            _byNetwork[network] = ofNetwork + 1;
            _count++;
            var after = lastEventId is null ? _last : NumberOf(lastEventId);
            return after is { } number
                ? new JoinResult(JoinOutcome.Joined, listener, IdOf(_last), After(number), false)
                : new JoinResult(JoinOutcome.Joined, listener, IdOf(_last), [], IsLost: true);
        }
    }

    public void Leave(LiveListener listener)
    {
        lock (_gate)
        {
            if (_byAccount.TryGetValue(listener.Username, out var listeners) && listeners.Remove(listener))
            {
                _count--;
                if (--_byNetwork[listener.Network] == 0)
                {
                    _byNetwork.Remove(listener.Network);
                }

                if (listeners.Count == 0)
                {
                    _byAccount.Remove(listener.Username);
                }
            }
        }
    }

    public void Publish(IReadOnlyCollection<LiveEvent> events)
    {
        var tooSlow = new HashSet<LiveListener>();
        lock (_gate)
        {
            if (!_hadStreams)
            {
                _forgotten = _last += events.Count;
                return;
            }

            foreach (var item in events)
            {
                var number = ++_last;
                var published = new Published(number, item, LiveFrames.Event(IdOf(number), item.Kind, item.Data));
                _remembered[number % MostRemembered] = published;
                foreach (var listener in item.Audience.SelectMany(name => _byAccount.GetValueOrDefault(name, [])))
                {
                    if (!tooSlow.Contains(listener) && !listener.TryOffer(published.Frame))
                    {
                        tooSlow.Add(listener);
                    }
                }
            }
        }

        Close(tooSlow);
    }

    /// <summary>Some events never came here: everybody is told to read again, and nobody resumes from before.</summary>
    public void Forget()
    {
        List<LiveListener> tooSlow = [];
        lock (_gate)
        {
            _forgotten = ++_last;
            var frame = LiveFrames.Resync(IdOf(_last));
            tooSlow.AddRange(_byAccount.Values.SelectMany(l => l).Where(listener => !listener.TryOffer(frame)));
        }

        Close(tooSlow);
    }

    /// <summary>Keeps the connections of idle streams alive. One whose queue is full has enough to send.</summary>
    public void Ping()
    {
        lock (_gate)
        {
            var frame = LiveFrames.Ping(IdOf(_last));
            foreach (var listener in _byAccount.Values.SelectMany(l => l))
            {
                listener.TryOffer(frame);
            }
        }
    }

    private JoinOutcome? RefusalOf(int ofAccount, int ofNetwork)
    {
        var limits = options.Value;
        if (_count >= (limits.MaxStreams ?? LiveOptions.MostByDefault))
        {
            return JoinOutcome.TooMany;
        }

        return ofAccount >= limits.MaxStreamsPerAccount ? JoinOutcome.TooManyOfAccount
            : ofNetwork >= limits.MaxStreamsPerNetwork ? JoinOutcome.TooManyOfNetwork
            : null;
    }

    private void Close(IEnumerable<LiveListener> tooSlow)
    {
        foreach (var listener in tooSlow)
        {
            Leave(listener);
            listener.GiveUp();
        }
    }

    private List<Published> After(long after)
    {
        var missed = new List<Published>();
        for (var number = after + 1; number <= _last; number++)
        {
            if (_remembered[number % MostRemembered] is { } published && published.Number == number)
            {
                missed.Add(published);
            }
        }

        return missed;
    }

    private string IdOf(long number) => string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{number}");

    /// <summary>Null for an id that is not of this process, or too old for its memory.</summary>
    private long? NumberOf(string id) =>
        id.StartsWith(Epoch, StringComparison.Ordinal)
        && id.AsSpan(Epoch.Length) is ['-', .. var digits]
        && long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number <= _last
        && number >= Math.Max(_forgotten, _last - MostRemembered)
            ? number
            : null;
}
