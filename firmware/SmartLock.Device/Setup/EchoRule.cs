namespace SmartLock.Device
{
    /// <summary>
    /// How much of a line that is being typed may be shown. Only what is known to be public: a command's first word, and the rest of
    /// "unset" and of "set" with a setting that is no secret. So a key that is typed in the wrong place, or a pasted JSON file of many
    /// lines, does not stay on the screen.
    /// </summary>
    internal static class EchoRule
    {
        /// <summary>The number of characters, from the line's start. Never less for a longer line with the same start.</summary>
        public static int Visible(char[] line, int length)
        {
            int start = SkipSpaces(line, 0, length);
            if (start == length || !IsLetter(line[start]))
            {
                return start;
            }

            int end = SkipWord(line, start, length);
            if (end == length)
            {
                return length;
            }

            string command = new string(line, start, end - start);
            if (command == SetupCommands.Unset)
            {
                return length;
            }

            int name = SkipSpaces(line, end, length);
            if (command != SetupCommands.Set)
            {
                return name;
            }

            int nameEnd = SkipWord(line, name, length);
            if (nameEnd == length)
            {
                return length;
            }

            int setting = SettingNames.Find(new string(line, name, nameEnd - name));
            return setting < 0 || SettingNames.IsSecret(setting) ? SkipSpaces(line, nameEnd, length) : length;
        }

        private static int SkipSpaces(char[] line, int from, int length)
        {
            while (from < length && line[from] == ' ')
            {
                from++;
            }

            return from;
        }

        private static int SkipWord(char[] line, int from, int length)
        {
            while (from < length && line[from] != ' ')
            {
                from++;
            }

            return from;
        }

        private static bool IsLetter(char c)
        {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        }
    }
}
