namespace SmartLock.Device
{
    /// <summary>The longer answers of the set-up.</summary>
    internal static class SetupTexts
    {
        private const string Help =
            "show                every setting; of secrets only whether they are set\n"
            + "set <name> <value>  a secret is asked for afterwards, and not shown; a pin can be 'none'\n"
            + "unset <name>        back to its default\n"
            + "paste, or {...}     all settings at once, as JSON in one line\n"
            + "save                checks and stores them\n"
            + "reboot              to use what was saved\n"
            + "forget              erases them\n"
            + "status              how the lock is doing\n"
            + "settings:";

        public static void WriteHelp(ITerminal terminal)
        {
            WriteLines(terminal, Help);
            for (int i = 0; i < SettingNames.Count; i++)
            {
                WriteLine(terminal, "  " + SettingNames.Of(i) + (SettingNames.IsRequired(i) ? " (needed)" : ""));
            }
        }

        /// <summary>Never a secret's value, nor its length.</summary>
        public static void WriteSettings(ITerminal terminal, SettingsDraft draft, bool isChanged)
        {
            for (int i = 0; i < SettingNames.Count; i++)
            {
                WriteLine(terminal, SettingNames.Of(i) + ": " + Describe(draft, i));
            }

            if (isChanged)
            {
                WriteLine(terminal, "(not saved yet)");
            }
        }

        /// <summary>With the line ends of a terminal.</summary>
        public static void WriteLines(ITerminal terminal, string text)
        {
            string rest = text == null ? "" : text;
            for (int end = rest.IndexOf('\n'); end >= 0; end = rest.IndexOf('\n'))
            {
                WriteLine(terminal, rest.Substring(0, end));
                rest = rest.Substring(end + 1);
            }

            WriteLine(terminal, rest);
        }

        private static string Describe(SettingsDraft draft, int setting)
        {
            string text = draft.Text(setting);
            if (SettingNames.IsSecret(setting))
            {
                // An empty Wi-Fi password is that of an open network.
                return text == null || text.Length == 0 ? "not set" : "set";
            }

            if (text != null)
            {
                return text;
            }

            string standard = draft.Default(setting);
            return standard == null ? "not set" : standard + " (default)";
        }

        private static void WriteLine(ITerminal terminal, string line)
        {
            terminal.Write(line + SetupConsole.NewLine);
        }
    }
}
