namespace SmartLock.Device
{
    /// <summary>One well-formed command. Whether it is signed is known before it is read (<see cref="SignedMessage"/>).</summary>
    public sealed class Command
    {
        public const string Lock = "LOCK";
        public const string Unlock = "UNLOCK";

        public const int MaxIdLength = 64;
        public const int MaxNameLength = 32;

        private Command(string deviceId, string name, string id, long issuedAt, long expiresAt, string boot)
        {
            DeviceId = deviceId;
            Name = name;
            Id = id;
            IssuedAt = issuedAt;
            ExpiresAt = expiresAt;
            Boot = boot;
        }

        public string DeviceId { get; }

        public string Name { get; }

        public string Id { get; }

        /// <summary>Unix milliseconds.</summary>
        public long IssuedAt { get; }

        /// <summary>Unix milliseconds.</summary>
        public long ExpiresAt { get; }

        /// <summary>The start of the device that it is meant for; null when the server knew none.</summary>
        public string Boot { get; }

        /// <summary>
        /// Null unless every member is there with its kind, its length and its characters; only <c>boot</c> may be missing. Members of other names are ignored.
        /// </summary>
        public static Command From(FlatJson json)
        {
            if (json == null)
            {
                return null;
            }

            string deviceId = json.Text("device_id");
            string name = json.Text("command");
            string id = json.Text("command_id");
            long issuedAt = json.Number("issued_at", 0);
            long expiresAt = json.Number("expires_at", 0);
            bool wellFormed = Topics.IsDeviceId(deviceId) && Topics.IsPlainId(name, MaxNameLength) && Topics.IsPlainId(id, MaxIdLength)
                && issuedAt > 0 && expiresAt > 0;
            return wellFormed ? new Command(deviceId, name, id, issuedAt, expiresAt, json.Text("boot")) : null;
        }
    }
}
