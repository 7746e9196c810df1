using System.Text;

namespace SmartLock.Device
{
    /// <summary>
    /// Writes one flat JSON object in printable ASCII without \u escapes: a quote and a backslash are escaped, any other character
    /// outside of printable ASCII becomes a question mark.
    /// </summary>
    public sealed class FlatJsonWriter
    {
        private readonly StringBuilder _json = new StringBuilder(384);

        /// <summary>A null value is written as null.</summary>
        public FlatJsonWriter Text(string name, string value)
        {
            if (value == null)
            {
                return Null(name);
            }

            Name(name);
            Quoted(value);
            return this;
        }

        public FlatJsonWriter Number(string name, long value)
        {
            Name(name);
            _json.Append(value);
            return this;
        }

        public FlatJsonWriter Flag(string name, bool value)
        {
            Name(name);
            _json.Append(value ? "true" : "false");
            return this;
        }

        public FlatJsonWriter Null(string name)
        {
            Name(name);
            _json.Append("null");
            return this;
        }

        /// <summary>The whole object. The writer is spent afterwards.</summary>
        public string Close()
        {
            if (_json.Length == 0)
            {
                _json.Append('{');
            }

            _json.Append('}');
            return _json.ToString();
        }

        /// <summary>
        /// The whole object, which must have a member, with its signature as the last one (<see cref="SignedMessage"/>). The writer is
        /// spent afterwards.
        /// </summary>
        public string CloseSigned(DeviceKey key, string purpose)
        {
            return SignedMessage.Sign(key, purpose, _json.ToString());
        }

        private void Name(string name)
        {
            _json.Append(_json.Length == 0 ? '{' : ',');
            Quoted(name);
            _json.Append(':');
        }

        private void Quoted(string value)
        {
            _json.Append('"');
            for (int i = 0; i < value.Length; i++)
            {
                char c = value[i];
                if (c == '"' || c == '\\')
                {
                    _json.Append('\\');
                }

                _json.Append(c < 0x20 || c > 0x7E ? '?' : c);
            }

            _json.Append('"');
        }
    }
}
