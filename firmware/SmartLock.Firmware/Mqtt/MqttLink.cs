using System;
using System.Threading;
using nanoFramework.M2Mqtt;
using nanoFramework.M2Mqtt.Messages;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>
    /// One connection over M2Mqtt, one client object for it: that client must not be opened again while its threads still end. It calls
    /// back on a thread of its own, and closes the connection when that throws.
    /// </summary>
    internal sealed class MqttLink : ILink
    {
        private const ushort KeepAliveSeconds = 15;
        private const int SubscribeTimeoutMs = 10000;
        private const int CloseTimeoutMs = 5000;

        /// <summary>
        /// Our messages and the broker's, which wait in the same queue for their acknowledgements; what does not fit is dropped without a
        /// word. Brokers send up to 20 (this server, mosquitto) or 32 (EMQX) at once.
        /// </summary>
        private const int MaxInflight = 64;

        private readonly BrokerAddress _address;
        private readonly ILog _log;
        private readonly AutoResetEvent _answered = new AutoResetEvent(false);

        /// <summary>Of the state; nobody is called with it held.</summary>
        private readonly object _gate = new object();

        /// <summary>Held while the listener is called: once taken by Close, no call is under way and none begins.</summary>
        private readonly object _calling = new object();

        private MqttClient _client;
        private ILinkListener _listener;
        private MqttQoSLevel[] _granted;
        private bool _isOpen;
        private bool _isOver;

        public MqttLink(BrokerAddress address, ILog log)
        {
            _address = address;
            _log = log;
        }

        public bool IsOpen
        {
            get
            {
                lock (_gate)
                {
                    return _isOpen && _client.IsConnected;
                }
            }
        }

        public void Open(Session session, ILinkListener listener)
        {
            MqttClient client = _address.CreateClient();
            client.Settings.InflightQueueSize = MaxInflight;
            lock (_gate)
            {
                if (_isOver || _client != null)
                {
                    throw new InvalidOperationException("A link is opened once.");
                }

                _client = client;
                _listener = listener;
            }

            client.MqttMsgPublishReceived += Received;
            client.MqttMsgPublished += Published;
            client.MqttMsgSubscribed += Subscribed;
            client.ConnectionClosed += Closed;
            MqttReasonCode answer = client.Connect(
                session.ClientId,
                session.UserName,
                session.Password,
                false,
                MqttQoSLevel.AtLeastOnce,
                true,
                session.WillTopic,
                session.Will,
                true,
                KeepAliveSeconds);
            if (answer != MqttReasonCode.Success)
            {
                throw new InvalidOperationException("The broker refused the login, code " + ((int)answer).ToString() + ".");
            }

            Subscribe(client, session.CommandTopics);
        }

        public bool Publish(string topic, byte[] payload)
        {
            MqttClient client;
            lock (_gate)
            {
                // A client that is not connected would take the message and lose it.
                if (!_isOpen || !_client.IsConnected)
                {
                    return false;
                }

                client = _client;
            }

            try
            {
                client.Publish(topic, payload, null, null, MqttQoSLevel.AtLeastOnce, false);
                return true;
            }
            catch (Exception e)
            {
                _log.Write("broker: " + e.Message);
                return false;
            }
        }

        public void Close()
        {
            MqttClient client;
            lock (_gate)
            {
                client = _isOver ? null : _client;
                _isOver = true;
                _isOpen = false;
            }

            lock (_calling)
            {
                _listener = null;
            }

            _answered.Set();
            if (client != null)
            {
                client.MqttMsgPublishReceived -= Received;
                client.MqttMsgPublished -= Published;
                client.MqttMsgSubscribed -= Subscribed;
                client.ConnectionClosed -= Closed;
                GiveBack(client);
            }
        }

        /// <summary>
        /// No goodbye, so that the broker tells the will. On a thread of its own: a socket that does not close must not hold up the
        /// next connection.
        /// </summary>
        private void GiveBack(MqttClient client)
        {
            try
            {
                Thread closing = new Thread(() => CloseQuietly(client));
                closing.Start();
                if (!closing.Join(CloseTimeoutMs))
                {
                    _log.Write("closing: takes too long");
                }
            }
            catch (Exception e)
            {
                // No memory for a thread: an open socket would keep what there is.
                _log.Write("closing: " + e.Message);
                CloseQuietly(client);
            }
        }

        private void CloseQuietly(MqttClient client)
        {
            try
            {
                client.Close();
            }
            catch (Exception e)
            {
                _log.Write("closing: " + e.Message);
            }
        }

        private void Subscribe(MqttClient client, string[] topics)
        {
            MqttQoSLevel[] levels = new MqttQoSLevel[topics.Length];
            for (int i = 0; i < levels.Length; i++)
            {
                levels[i] = MqttQoSLevel.AtLeastOnce;
            }

            client.Subscribe(topics, levels);
            bool answered = _answered.WaitOne(SubscribeTimeoutMs, false);
            lock (_gate)
            {
                if (!answered || _granted == null)
                {
                    throw new InvalidOperationException("The broker did not answer the subscription.");
                }

                for (int i = 0; i < topics.Length; i++)
                {
                    if (i >= _granted.Length || _granted[i] == MqttQoSLevel.GrantedFailure)
                    {
                        throw new InvalidOperationException("The broker refused the subscription to " + topics[i] + ".");
                    }
                }

                _isOpen = !_isOver;
            }
        }

        private void Subscribed(object sender, MqttMsgSubscribedEventArgs e)
        {
            lock (_gate)
            {
                _granted = e.GrantedQoSLevels;
            }

            _answered.Set();
        }

        private void Received(object sender, MqttMsgPublishEventArgs e)
        {
            Call(listener => listener.OnMessage(e.Topic, e.Message, e.Retain));
        }

        private void Published(object sender, MqttMsgPublishedEventArgs e)
        {
            // The client gives a message up three seconds after it sent it, with what a slow broker still says of it later.
            if (e.IsPublished)
            {
                Call(listener => listener.OnAcknowledged());
            }
            else
            {
                Call(listener => listener.OnGivenUp());
            }
        }

        private void Closed(object sender, EventArgs e)
        {
            lock (_gate)
            {
                _isOpen = false;
            }

            _answered.Set();
            Call(listener => listener.OnClosed());
        }

        private void Call(Told told)
        {
            try
            {
                lock (_calling)
                {
                    if (_listener != null)
                    {
                        told(_listener);
                    }
                }
            }
            catch (Exception e)
            {
                _log.Write("link: " + e.Message);
            }
        }

        private delegate void Told(ILinkListener listener);
    }
}
