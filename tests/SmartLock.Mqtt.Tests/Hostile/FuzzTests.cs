using System.Diagnostics;
using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using SmartLock.Mqtt.Broker;
using SmartLock.Mqtt.Tests.Broker;

namespace SmartLock.Mqtt.Tests.Hostile;

/// <summary>
/// Bytes that no honest client sends, against a broker that serves others. With SMARTLOCK_FUZZ_SECONDS=120 the loop runs for so long, from a
/// random seed that a failure names; SMARTLOCK_FUZZ_SEED makes it start at that seed.
/// </summary>
public sealed class FuzzTests
{
    private const string Seconds = "SMARTLOCK_FUZZ_SECONDS";
    private const string Seed = "SMARTLOCK_FUZZ_SEED";
    private const int ShortRun = 1000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Mutated_conversations_touch_nobody_but_their_sender()
    {
        await using var target = await Target.StartAsync();
        await LoopAsync(async seed =>
        {
            var capture = new Captures(seed);
            await target.AttackAsync(capture.Pieces(capture.Conversation()), seed);
        });
        await target.ShouldBeUnharmedAsync();
        target.ShouldHaveBeenReached();
    }

    [Fact]
    public async Task Any_bytes_after_a_login_touch_nobody_but_their_sender()
    {
        await using var target = await Target.StartAsync();
        var login = new System.Buffers.ArrayBufferWriter<byte>();
        (TestBroker.Connect("any") with { UserName = "fuzz", KeepAlive = 60 }).WriteTo(login);
        // FsCheck draws, and shrinks what fails.
        var property = Prop.ForAll<byte[]>(bytes => target.AttackAsync([login.WrittenSpan.ToArray(), .. bytes.Chunk(7)], seed: -1).GetAwaiter().GetResult());
        await Task.Run(() => Check.One(Config.QuickThrowOnFailure.WithMaxTest(200), property));
        await target.ShouldBeUnharmedAsync();
    }

    private static async Task LoopAsync(Func<int, Task> attack)
    {
        var seconds = Given(Seconds) ?? 0;
        var start = Given(Seed) ?? (seconds == 0 ? 20_260_601 : Random.Shared.Next(int.MaxValue / 2));
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; seconds == 0 ? i < ShortRun : Stopwatch.GetElapsedTime(began).TotalSeconds < seconds; i++)
        {
            try
            {
                await attack(start + i);
            }
            catch (Exception e)
            {
                throw new ShouldAssertException($"With seed {start + i}: {e.Message}", e);
            }
        }
    }

    private static int? Given(string variable)
    {
        return int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var value) ? value : null;
    }

    /// <summary>A broker, a client that it serves, and one attacker after the other.</summary>
    private sealed class Target : IAsyncDisposable
    {
        private const string Login = "fuzz";
        private const int MostSessions = 20;
        private const int Round = 20;

        private readonly TestBroker _broker;
        private readonly Bystander _bystander;
        private int _attacks;

        private Target(TestBroker broker, Bystander bystander)
        {
            _broker = broker;
            _bystander = bystander;
        }

        public static async Task<Target> StartAsync()
        {
            var broker = new TestBroker(o => (o.MaxPacketSize, o.MaxSessionsPerIdentity) = (4096, MostSessions));
            // What an attacker publishes by chance is not for the bystander: each has topics of its own, as devices have.
            broker.Access.Authenticate = (request, _) => ValueTask.FromResult(request.UserName is Login or "bystander"
                ? MqttAuthentication.Accept(new MqttIdentity(request.UserName))
                : MqttAuthentication.Refuse(MqttReasonCode.BadUserNameOrPassword));
            broker.Access.ForbiddenTopics.Add("bystander/inbox");
            return new Target(broker, await Bystander.JoinAsync(broker));
        }

        public async Task AttackAsync(IEnumerable<byte[]> pieces, int seed)
        {
            var client = _broker.Open();
            var reading = ReadAllAsync(client);
            foreach (var piece in pieces)
            {
                if (client.Served.IsCompleted)
                {
                    break;
                }

                await client.SendAsync(piece);
            }

            await client.VanishAsync();
            // What it was answered is whole packets, up to the end.
            await reading.WaitAsync(Patience);
            await client.DisposeAsync();
            _broker.Log.Lines.ShouldBeEmpty($"seed {seed}");
            if (_attacks++ % Round == 0)
            {
                await ShouldBeUnharmedAsync();
                // Room for new client ids.
                await _broker.Broker.DisconnectAsync(Login);
            }
        }

        /// <summary>The attacks got past the first checks: many logged in, many broke a rule, and many published a valid message.</summary>
        public void ShouldHaveBeenReached()
        {
            _broker.Statistics.ConnectionsAccepted.ShouldBeGreaterThan(_attacks / 3);
            _broker.Statistics.ProtocolErrors.ShouldBeGreaterThan(_attacks / 3);
            _broker.Statistics.MessagesReceived.ShouldBeGreaterThan(_attacks / 10);
        }

        private static async Task ReadAllAsync(TestClient client)
        {
            while (await client.TryReadAsync() is not null)
            {
            }
        }

        public async Task ShouldBeUnharmedAsync()
        {
            await _bystander.ShouldBeServedAsync();
            await _bystander.ShouldHaveNothingAsync();
            _broker.Statistics.Connections.ShouldBe(1);
            _broker.Statistics.Sessions.ShouldBeLessThanOrEqualTo(MostSessions + 1);
            _broker.Broker.Core.Connections.OutboundBytes.ShouldBe(0);
        }

        public ValueTask DisposeAsync() => _broker.DisposeAsync();
    }
}
