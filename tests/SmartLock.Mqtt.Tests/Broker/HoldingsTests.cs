using SmartLock.Mqtt.Broker;

namespace SmartLock.Mqtt.Tests.Broker;

public sealed class HoldingsTests
{
    private readonly Holdings<string> _holdings = new();

    [Theory]
    [InlineData("aaa b", "c", "a3")]
    [InlineData("aaa b", "b", "a3")]
    [InlineData("aaa bb", "b", null)]
    [InlineData("aaa", "a", null)]
    [InlineData("a b", "c", null)]
    [InlineData("aa b", "c", "a2")]
    [InlineData("aa bb", "c", "a2")]
    [InlineData("", "c", null)]
    public void Room_is_made_by_the_largest_holder_if_it_has_two_more(string held, string newcomer, string? goes)
    {
        Hold(held);

        _holdings.TryFindExcess(newcomer, _ => false, out var excess).ShouldBe(goes is not null);
        excess.ShouldBe(goes);
    }

    [Fact]
    public void Of_the_largest_holder_the_preferred_one_goes_else_the_last()
    {
        Hold("aaa b");

        _holdings.TryFindExcess("c", item => item is "a2" or "b1", out var excess);

        excess.ShouldBe("a2");
    }

    [Fact]
    public void Whatever_comes_and_goes_the_counts_and_the_largest_stay_right()
    {
        var random = new Random(5);
        var held = new Dictionary<string, List<string>>();
        for (var i = 0; i < 20_000; i++)
        {
            var holder = $"h{random.Next(6)}";
            var own = held.TryGetValue(holder, out var known) ? known : held[holder] = [];
            if (own.Count > 0 && random.Next(2) == 0)
            {
                var gone = own[random.Next(own.Count)];
                own.Remove(gone);
                _holdings.Remove(gone).ShouldBeTrue();
            }
            else
            {
                own.Add($"{holder} {i}");
                _holdings.Add(holder, own[^1]);
            }

            var most = held.Values.Max(items => items.Count);
            _holdings.CountOf(holder).ShouldBe(own.Count);
            var found = _holdings.TryFindExcess("newcomer", _ => false, out var excess);
            found.ShouldBe(most >= 2);
            if (found)
            {
                held[excess!.Split(' ')[0]].Count.ShouldBe(most);
            }
        }

        _holdings.Count.ShouldBe(held.Values.Sum(items => items.Count));
    }

    /// <summary>"aa b" is two of a, named a1 and a2, and one of b.</summary>
    private void Hold(string held)
    {
        foreach (var own in held.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            for (var i = 1; i <= own.Length; i++)
            {
                _holdings.Add(own[..1], $"{own[0]}{i}");
            }
        }
    }
}
