namespace SmartLock.Device
{
    /// <summary>
    /// All that one MQTT connection needs to be opened, decided before it is: the will carries the session's own connected_at.
    /// </summary>
    public sealed class Session
    {
        internal Session(string deviceId, DeviceKey key, bool ownTopics, long connectedAt, string boot)
        {
            ClientId = deviceId;
            UserName = deviceId;
            Password = SignedMessage.MqttPassword(key, deviceId);
            ConnectedAt = connectedAt;
            WillTopic = ownTopics ? Topics.StatusOf(deviceId) : Topics.Status;
            Will = new FlatJsonWriter()
                .Text("device_id", deviceId)
                .Text("state", "Unavailable")
                .Text("issue", Words.ConnectionLost)
                .Number("connected_at", connectedAt)
                .Text("boot", boot)
                .CloseSigned(key, SignedMessage.Will);
            CommandTopics = ownTopics ? new[] { Topics.Commands, Topics.CommandsOf(deviceId) } : new[] { Topics.Commands };
        }

        public string ClientId { get; }

        public string UserName { get; }

        public string Password { get; }

        /// <summary>Unix milliseconds.</summary>
        public long ConnectedAt { get; }

        public string WillTopic { get; }

        /// <summary>ASCII JSON; a string because that is what nanoFramework's client takes.</summary>
        public string Will { get; }

        /// <summary>To be subscribed to, at QoS 1.</summary>
        public string[] CommandTopics { get; }
    }
}
