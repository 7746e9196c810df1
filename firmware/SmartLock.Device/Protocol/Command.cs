namespace SmartLock.Device
{
    /// <summary>One command as it came: well formed, but nothing in it is believed before its signature is checked.</summary>
    public sealed class Command
    {
        public const string Lock = "LOCK";
        public const string Unlock = "UNLOCK";

        public const int MaxIdLength = 64;
        public const int MaxNameLength = 32;

        private Command(string deviceId, string name, string id, long issuedAt, long expiresAt, string signature)
        {
            DeviceId = deviceId;
            Name = name;
            Id = id;
            IssuedAt = issuedAt;
            ExpiresAt = expiresAt;
            Signature = signature;
        }

        public string DeviceId { get; }

        public string Name { get; }

        public string Id { get; }

        /// <summary>Unix milliseconds.</summary>
        public long IssuedAt { get; }

        /// <summary>Unix milliseconds.</summary>
        public long ExpiresAt { get; }

        public string Signature { get; }

        /// <summary>
        /// Null unless every member is there with its kind, its length and its characters; members of other names are ignored.
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
            string signature = json.Text("signature");
            long issuedAt = json.Number("issued_at", 0);
            long expiresAt = json.Number("expires_at", 0);
            bool wellFormed = Topics.IsDeviceId(deviceId) && Topics.IsPlainId(name, MaxNameLength) && Topics.IsPlainId(id, MaxIdLength)
                && signature != null && issuedAt > 0 && expiresAt > 0;
            return wellFormed ? new Command(deviceId, name, id, issuedAt, expiresAt, signature) : null;
        }

        public bool IsSignedWith(DeviceKey key)
        {
            return key.Verify(SigningLines.Command(DeviceId, Name, Id, IssuedAt, ExpiresAt), Signature);
        }
    }
}
