using System.Text;

namespace SmartLock.Mqtt.Tests.Packets;

public sealed class TopicTests
{
    [Theory]
    [InlineData("a", true)]
    [InlineData("/", true)]
    [InlineData("a//b ", true)]
    [InlineData("$SYS/x", true)]
    [InlineData("鍵/🔒", true)]
    [InlineData("", false)]
    [InlineData("a/#", false)]
    [InlineData("a+", false)]
    [InlineData("a\0", false)]
    public void Topic_names(string topic, bool isValid)
    {
        MqttTopic.IsValidName(topic).ShouldBe(isValid);
        MqttTopic.IsValidName(Encoding.UTF8.GetBytes(topic)).ShouldBe(isValid);
    }

    [Fact]
    public void Lone_surrogates_and_overlong_names_are_refused()
    {
        MqttTopic.IsValidName("a\uD800b").ShouldBeFalse();
        MqttTopicFilter.IsValid("a\uDC00").ShouldBeFalse();
        MqttTopic.IsValidName("\uFFFD").ShouldBeTrue();
        MqttTopic.IsValidName(new string('a', 65_535)).ShouldBeTrue();
        MqttTopic.IsValidName(new string('a', 65_536)).ShouldBeFalse();
        MqttTopicFilter.IsValid(new string('a', 65_536)).ShouldBeFalse();
        MqttTopic.IsValidName([0x61, 0xFF]).ShouldBeFalse();
    }

    [Theory]
    [InlineData("#", true)]
    [InlineData("+", true)]
    [InlineData("+/+/#", true)]
    [InlineData("a/+/b", true)]
    [InlineData("/", true)]
    [InlineData("$share/g/a/#", true)]
    [InlineData("$share/g//", true)]
    [InlineData("$shared", true)]
    [InlineData("", false)]
    [InlineData("a#", false)]
    [InlineData("a/#/b", false)]
    [InlineData("#/", false)]
    [InlineData("a+/b", false)]
    [InlineData("++", false)]
    [InlineData("a\0", false)]
    [InlineData("$share/g", false)]
    [InlineData("$share/g/", false)]
    [InlineData("$share//a", false)]
    [InlineData("$share/+/a", false)]
    [InlineData("$share/g#/a", false)]
    [InlineData("$share/g/a#", false)]
    public void Topic_filters(string filter, bool isValid)
    {
        MqttTopicFilter.IsValid(filter).ShouldBe(isValid);
        MqttTopicFilter.IsValid(Encoding.UTF8.GetBytes(filter)).ShouldBe(isValid);
    }

    [Theory]
    [InlineData("a/b", "a/b", true)]
    [InlineData("a/b", "a/b/c", false)]
    [InlineData("a/b/c", "a/b", false)]
    [InlineData("A", "a", false)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player1/score/wimbledon", true)]
    [InlineData("sport/tennis/player1/#", "sport/tennis/player12", false)]
    [InlineData("sport/#", "sport", true)]
    [InlineData("#", "a/b/c", true)]
    [InlineData("#", "/", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1", true)]
    [InlineData("sport/tennis/+", "sport/tennis/player1/ranking", false)]
    [InlineData("sport/+", "sport", false)]
    [InlineData("sport/+", "sport/", true)]
    [InlineData("+/+", "/finance", true)]
    [InlineData("/+", "/finance", true)]
    [InlineData("+", "/finance", false)]
    [InlineData("+/b/#", "a/b", true)]
    [InlineData("a/+/#", "a", false)]
    [InlineData("#", "$SYS/x", false)]
    [InlineData("+/monitor/Clients", "$SYS/monitor/Clients", false)]
    [InlineData("$SYS/#", "$SYS/x", true)]
    [InlineData("$SYS/monitor/+", "$SYS/monitor/Clients", true)]
    [InlineData("a/#", "a/$b", true)]
    public void Matching(string filter, string topic, bool matches) => MqttTopicFilter.Matches(filter, topic).ShouldBe(matches);

    [Fact]
    public void A_shared_filter_is_split()
    {
        MqttTopicFilter.TrySplitShared("$share/g/a/+"u8, out var group, out var inner).ShouldBeTrue();
        Encoding.UTF8.GetString(group).ShouldBe("g");
        Encoding.UTF8.GetString(inner).ShouldBe("a/+");
        MqttTopicFilter.TrySplitShared("a/+"u8, out _, out _).ShouldBeFalse();
    }
}
