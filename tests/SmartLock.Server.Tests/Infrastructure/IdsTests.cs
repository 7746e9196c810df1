using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Tests.Infrastructure;

public sealed class IdsTests
{
    [Fact]
    public void The_time_comes_first_as_in_the_specifications_own_example()
    {
        // https://github.com/ulid/spec: 01ARZ3NDEKTSV4RRFFQ69G5FAV was made at 1469922850259.
        Ids.NewUlid(DateTimeOffset.FromUnixTimeMilliseconds(1469922850259))[..10].ShouldBe("01ARZ3NDEK");
    }

    [Fact]
    public void Ids_of_one_millisecond_differ_and_are_well_formed()
    {
        var ids = Enumerable.Range(0, 10_000).Select(_ => Ids.NewUlid(DateTimeOffset.UnixEpoch.AddYears(56))).ToHashSet();

        ids.Count.ShouldBe(10_000);
        ids.ShouldAllBe(id => Ids.IsUlid(id));
    }

    [Theory]
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FAV", true)]
    [InlineData("81ARZ3NDEKTSV4RRFFQ69G5FAV", false)]
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FAU", false)]
    [InlineData("01arz3ndektsv4rrffq69g5fav", false)]
    [InlineData("01ARZ3NDEKTSV4RRFFQ69G5FA", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public void Only_ulids_pass(string? text, bool isUlid) => Ids.IsUlid(text).ShouldBe(isUlid);
}
