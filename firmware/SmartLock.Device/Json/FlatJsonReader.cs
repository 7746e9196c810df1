namespace SmartLock.Device
{
    /// <summary>
    /// Reads one flat JSON object (RFC 8259) and refuses, by null, whatever the device protocol has no use for: nesting,
    /// a name twice, trailing text, fractions and exponents, integers of more than 18 digits (so that neither a value nor a
    /// difference of two can overflow a long), -0, bytes outside of printable ASCII, and every escape but \" \\ and \/.
    /// It never throws, and reads the same on both runtimes because it leaves no character decoding to either.
    /// </summary>
    public sealed class FlatJsonReader
    {
        public const int MaxBytes = 1024;

        private const int MaxDigits = 18;

        private readonly byte[] _json;
        private readonly char[] _scratch;
        private int _position;

        private FlatJsonReader(byte[] json)
        {
            _json = json;
            _scratch = new char[json.Length];
        }

        public static FlatJson Read(byte[] json)
        {
            if (json == null || json.Length > MaxBytes)
            {
                return null;
            }

            return new FlatJsonReader(json).ReadObject();
        }

        private FlatJson ReadObject()
        {
            if (!Take('{'))
            {
                return null;
            }

            FlatJson members = new FlatJson();
            if (!Take('}'))
            {
                do
                {
                    if (!ReadMember(members))
                    {
                        return null;
                    }
                }
                while (Take(','));

                if (!Take('}'))
                {
                    return null;
                }
            }

            SkipWhitespace();
            return _position == _json.Length ? members : null;
        }

        private bool ReadMember(FlatJson members)
        {
            string name = Take('"') ? ReadText() : null;
            if (name == null || !members.CanAdd(name) || !Take(':'))
            {
                return false;
            }

            if (Take('"'))
            {
                string text = ReadText();
                if (text == null)
                {
                    return false;
                }

                members.Add(name, JsonKind.Text, text, 0);
                return true;
            }

            JsonKind literal = ReadLiteral();
            if (literal != JsonKind.Missing)
            {
                members.Add(name, literal, null, 0);
                return true;
            }

            if (!ReadInteger(out long integer))
            {
                return false;
            }

            members.Add(name, JsonKind.Number, null, integer);
            return true;
        }

        /// <summary>The rest of a string whose opening quote is taken; null when it is refused.</summary>
        private string ReadText()
        {
            int length = 0;
            while (_position < _json.Length)
            {
                int c = _json[_position++];
                if (c == '"')
                {
                    return new string(_scratch, 0, length);
                }

                if (c == '\\')
                {
                    c = _position < _json.Length ? _json[_position++] : 0;
                    if (c != '"' && c != '\\' && c != '/')
                    {
                        return null;
                    }
                }

                if (c < 0x20 || c > 0x7E)
                {
                    return null;
                }

                _scratch[length++] = (char)c;
            }

            return null;
        }

        private JsonKind ReadLiteral()
        {
            if (TakeWord("null"))
            {
                return JsonKind.Null;
            }

            if (TakeWord("true"))
            {
                return JsonKind.True;
            }

            return TakeWord("false") ? JsonKind.False : JsonKind.Missing;
        }

        private bool ReadInteger(out long value)
        {
            value = 0;
            bool negative = _position < _json.Length && _json[_position] == '-';
            if (negative)
            {
                _position++;
            }

            int first = _position;
            while (_position < _json.Length && _json[_position] >= '0' && _json[_position] <= '9')
            {
                if (_position - first == MaxDigits)
                {
                    return false;
                }

                value = (value * 10) + (_json[_position] - '0');
                _position++;
            }

            int digits = _position - first;
            if (digits == 0 || (_json[first] == '0' && (digits > 1 || negative)))
            {
                return false;
            }

            if (negative)
            {
                value = -value;
            }

            return true;
        }

        private bool TakeWord(string word)
        {
            if (_json.Length - _position < word.Length)
            {
                return false;
            }

            for (int i = 0; i < word.Length; i++)
            {
                if (_json[_position + i] != word[i])
                {
                    return false;
                }
            }

            _position += word.Length;
            return true;
        }

        /// <summary>Takes one structural character, whatever white space stands before and after it.</summary>
        private bool Take(char expected)
        {
            SkipWhitespace();
            if (_position == _json.Length || _json[_position] != expected)
            {
                return false;
            }

            _position++;
            if (expected != '"')
            {
                SkipWhitespace();
            }

            return true;
        }

        private void SkipWhitespace()
        {
            while (_position < _json.Length)
            {
                byte c = _json[_position];
                if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
                {
                    return;
                }

                _position++;
            }
        }
    }
}
