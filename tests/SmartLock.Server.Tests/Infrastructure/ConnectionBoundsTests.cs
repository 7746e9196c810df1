using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class ConnectionBoundsTests
{
    [Theory]
    [InlineData(null, null, null, true, 10_000, 50_000)]
    [InlineData(1_048_576L, null, null, true, 10_000, 50_000)]
    [InlineData(1500L, null, null, true, 279, 837)]
    [InlineData(1500L, null, null, false, 1_116, 0)]
    [InlineData(1500L, null, 100, true, 1_016, 100)]
    [InlineData(1500L, 100, null, true, 100, 1_016)]
    [InlineData(1500L, 600, 516, true, 600, 516)]
    [InlineData(1500L, null, 100_000, false, 1_116, 0)]
    [InlineData(null, 5, null, false, 0, 0)]
    public void What_is_not_set_is_what_fits(long? descriptors, int? http, int? mqtt, bool isEmbedded, int expectedHttp, int expectedMqtt)
    {
        if (http < ConnectionBounds.Least)
        {
            Should.Throw<StartupException>(() => ConnectionBounds.Of(descriptors, http, null, mqtt, isEmbedded)).Message.ShouldContain("Http:MaxConnections");
            return;
        }

        var bounds = ConnectionBounds.Of(descriptors, http, null, mqtt, isEmbedded);

        (bounds.Http, bounds.Mqtt).ShouldBe((expectedHttp, expectedMqtt));
        ((long)bounds.Whole).ShouldBeLessThan(descriptors ?? long.MaxValue, "store, log and outgoing calls have files too");
    }

    [Theory]
    [InlineData(1500L, 1_117, 16, "Http:MaxConnections=1117")]
    [InlineData(1500L, null, 1_110, "Mqtt:MaxConnections=1110")]
    [InlineData(1500L, null, 50_000, "1500")]
    [InlineData(1500L, 700, 700, "Http:MaxConnections=700 and Mqtt:MaxConnections=700")]
    [InlineData(256L, null, null, "ulimit -n")]
    public void What_does_not_fit_is_refused_with_the_numbers(long descriptors, int? http, int? mqtt, string said) =>
        Should.Throw<StartupException>(() => ConnectionBounds.Of(descriptors, http, null, mqtt, isEmbedded: true)).Message.ShouldContain(said);

    [Theory]
    [InlineData(0)]
    [InlineData(101)]
    public void One_network_has_a_part_of_all(int perNetwork)
    {
        ConnectionBounds.Of(null, 100, null, null, true).HttpPerNetwork.ShouldBe(25);
        Should.Throw<StartupException>(() => ConnectionBounds.Of(null, 100, perNetwork, null, true)).Message.ShouldContain("Http:MaxConnectionsPerNetwork");
    }

    [Theory]
    [InlineData("Max open files            1500                 524288               files", 1500L)]
    [InlineData("Max open files            unlimited            unlimited            files", null)]
    [InlineData("Max processes             15                   15                   processes", null)]
    [InlineData("", null)]
    public void The_soft_limit_is_the_one_that_holds(string line, long? expected) =>
        DescriptorLimit.Parse(["Limit                     Soft Limit           Hard Limit           Units", line]).ShouldBe(expected);
}
