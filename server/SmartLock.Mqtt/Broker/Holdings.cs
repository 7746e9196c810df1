using System.Diagnostics.CodeAnalysis;

namespace SmartLock.Mqtt.Broker;

/// <summary>
/// What each holder has (see <see cref="MqttIdentity.Holder"/>), and who has most, in constant time. Guarded by its owner's lock.
/// </summary>
internal sealed class Holdings<T>
    where T : class
{
    private readonly Dictionary<string, Holder> _holders = new(StringComparer.Ordinal);
    private readonly Dictionary<T, LinkedListNode<Held>> _places = [];

    /// <summary>Holders by how many they have; the first list, of those with none, stays empty.</summary>
    private readonly List<LinkedList<Holder>> _bySize = [[]];

    private int _largest;

    public int Count => _places.Count;

    public int CountOf(string holder) => _holders.TryGetValue(holder, out var own) ? own.Items.Count : 0;

    public void Add(string holder, T item)
    {
        if (!_holders.TryGetValue(holder, out var own))
        {
            _holders.Add(holder, own = new Holder(holder));
        }
        else
        {
            _bySize[own.Items.Count].Remove(own.Place);
        }

        _places.Add(item, own.Items.AddLast(new Held(item, own)));
        Place(own);
        _largest = Math.Max(_largest, own.Items.Count);
    }

    public bool Remove(T item)
    {
        if (!_places.Remove(item, out var node))
        {
            return false;
        }

        var own = node.Value.Holder;
        var before = own.Items.Count;
        _bySize[before].Remove(own.Place);
        own.Items.Remove(node);
        if (own.Items.Count == 0)
        {
            _holders.Remove(own.Name);
        }
        else
        {
            Place(own);
        }

        // Sizes change by one: where the only largest holder gives one up, it is the largest still, or there is none.
        if (before == _largest && _bySize[before].Count == 0)
        {
            _largest--;
        }

        return true;
    }

    /// <summary>
    /// Who makes room for one more of <paramref name="holder"/>'s when there is none: somebody of the largest holder. Only of one that has two
    /// more: else the newcomer's holder would be the largest next, and two of equal size would push each other out for ever.
    /// </summary>
    /// <param name="isPreferred">Goes before the others; of those the one that came last goes.</param>
    public bool TryFindExcess(string holder, Func<T, bool> isPreferred, [NotNullWhen(true)] out T? excess)
    {
        excess = null;
        if (_largest < CountOf(holder) + 2)
        {
            return false;
        }

        var items = _bySize[_largest].First!.Value.Items;
        excess = items.Select(held => held.Item).FirstOrDefault(isPreferred) ?? items.Last!.Value.Item;
        return true;
    }

    private void Place(Holder own)
    {
        if (own.Items.Count == _bySize.Count)
        {
            _bySize.Add([]);
        }

        _bySize[own.Items.Count].AddLast(own.Place);
    }

    private sealed class Holder
    {
        public Holder(string name)
        {
            Name = name;
            Place = new LinkedListNode<Holder>(this);
        }

        public string Name { get; }

        public LinkedList<Held> Items { get; } = [];

        public LinkedListNode<Holder> Place { get; }
    }

    private sealed record Held(T Item, Holder Holder);
}
