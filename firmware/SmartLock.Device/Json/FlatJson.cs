namespace SmartLock.Device
{
    public enum JsonKind
    {
        Missing,
        Null,
        False,
        True,
        Number,
        Text,
    }

    /// <summary>The members of one flat JSON object, as <see cref="FlatJsonReader"/> accepted them.</summary>
    public sealed class FlatJson
    {
        /// <summary>More members than any message of the protocol has; the rest is refused.</summary>
        public const int MaxMembers = 24;

        private readonly string[] _names = new string[MaxMembers];
        private readonly JsonKind[] _kinds = new JsonKind[MaxMembers];
        private readonly string[] _texts = new string[MaxMembers];
        private readonly long[] _integers = new long[MaxMembers];

        internal FlatJson()
        {
            // Not idle: nanoFramework's == of two strings follows an element that was never assigned to nowhere, and the device stops.
            for (int i = 0; i < _names.Length; i++)
            {
                _names[i] = null;
            }

            for (int i = 0; i < _texts.Length; i++)
            {
                _texts[i] = null;
            }
        }

        public int Count { get; private set; }

        public string NameAt(int index)
        {
            return _names[index];
        }

        public JsonKind KindOf(string name)
        {
            int index = IndexOf(name);
            return index < 0 ? JsonKind.Missing : _kinds[index];
        }

        /// <summary>The text of a string member; null when it is missing or of another kind.</summary>
        public string Text(string name)
        {
            int index = IndexOf(name);
            return index < 0 ? null : _texts[index];
        }

        /// <summary>The value of an integer member; <paramref name="otherwise"/> when it is missing or of another kind.</summary>
        public long Number(string name, long otherwise)
        {
            int index = IndexOf(name);
            return index < 0 || _kinds[index] != JsonKind.Number ? otherwise : _integers[index];
        }

        internal bool CanAdd(string name)
        {
            return Count < MaxMembers && IndexOf(name) < 0;
        }

        internal void Add(string name, JsonKind kind, string text, long integer)
        {
            _names[Count] = name;
            _kinds[Count] = kind;
            _texts[Count] = text;
            _integers[Count] = integer;
            Count++;
        }

        private int IndexOf(string name)
        {
            for (int i = 0; i < Count; i++)
            {
                if (_names[i] == name)
                {
                    return i;
                }
            }

            return -1;
        }
    }
}
