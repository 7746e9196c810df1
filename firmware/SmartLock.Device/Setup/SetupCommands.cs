using System.Text;

namespace SmartLock.Device
{
    /// <summary>What the next line of the set-up is taken for.</summary>
    internal enum SetupQuestion
    {
        Command,
        Secret,
        Json,
        Forget,
    }

    /// <summary>The set-up's commands, on settings that are not stored before "save".</summary>
    internal sealed class SetupCommands
    {
        public const string Set = "set";
        public const string Unset = "unset";

        /// <summary>What is asked for when there is no device id to type.</summary>
        private const string ForgetWord = "forget";

        private readonly ITerminal _terminal;
        private readonly SettingsStore _store;
        private readonly ISystem _system;
        private readonly IStatusSource _status;

        private SettingsDraft _draft;
        private bool _isChanged;
        private bool _rebootWarned;
        private int _secret;
        private string _forgetAnswer;

        public SetupCommands(ITerminal terminal, SettingsStore store, ISystem system, IStatusSource status)
        {
            _terminal = terminal;
            _store = store;
            _system = system;
            _status = status;
            DeviceSettings stored = store.Load();
            _draft = stored == null ? new SettingsDraft() : SettingsDraft.From(stored);
        }

        public string Prompt(SetupQuestion question)
        {
            switch (question)
            {
                case SetupQuestion.Secret:
                    return SettingNames.Of(_secret) + " (is not shown; empty: leave it as it is): ";
                case SetupQuestion.Json:
                    return "JSON in one line (is not shown): ";
                case SetupQuestion.Forget:
                    return "to forget all settings, type " + _forgetAnswer + ": ";
                default:
                    return "> ";
            }
        }

        /// <summary>Returns what is asked next.</summary>
        public SetupQuestion Answer(SetupQuestion asked, string line)
        {
            switch (asked)
            {
                case SetupQuestion.Secret:
                    TakeSecret(line);
                    return SetupQuestion.Command;
                case SetupQuestion.Json:
                    TakeJson(line.Trim());
                    return SetupQuestion.Command;
                case SetupQuestion.Forget:
                    Forget(line.Trim());
                    return SetupQuestion.Command;
                default:
                    return Run(line.Trim());
            }
        }

        private SetupQuestion Run(string line)
        {
            if (line.Length == 0)
            {
                return SetupQuestion.Command;
            }

            bool warned = _rebootWarned;
            _rebootWarned = false;
            if (line[0] == '{')
            {
                TakeJson(line);
                return SetupQuestion.Command;
            }

            string command = FirstWord(line);
            string rest = AfterFirstWord(line);
            if (command == Set)
            {
                return SetValue(FirstWord(rest), AfterFirstWord(rest));
            }

            if (command == Unset)
            {
                UnsetValue(rest);
                return SetupQuestion.Command;
            }

            return RunAlone(rest.Length == 0 ? command : "", warned);
        }

        private SetupQuestion RunAlone(string command, bool rebootWarned)
        {
            switch (command)
            {
                case "help":
                    SetupTexts.WriteHelp(_terminal);
                    break;
                case "show":
                    SetupTexts.WriteSettings(_terminal, _draft, _isChanged);
                    break;
                case "status":
                    SetupTexts.WriteLines(_terminal, _status.Describe());
                    break;
                case "paste":
                    return SetupQuestion.Json;
                case "save":
                    Save();
                    break;
                case "reboot":
                    Reboot(rebootWarned);
                    break;
                case "forget":
                    DeviceSettings stored = _store.Load();
                    _forgetAnswer = stored == null ? ForgetWord : stored.DeviceId;
                    return SetupQuestion.Forget;
                default:
                    Say("there is no such command; 'help' lists them");
                    break;
            }

            return SetupQuestion.Command;
        }

        private SetupQuestion SetValue(string name, string value)
        {
            int setting = SettingNames.Find(name);
            if (setting < 0)
            {
                Say(name.Length == 0 ? "set what? 'help' lists the settings" : SettingNames.Unknown(name));
                return SetupQuestion.Command;
            }

            if (SettingNames.IsSecret(setting))
            {
                if (value.Length > 0)
                {
                    Say(name + ": not taken from the command line");
                }

                _secret = setting;
                return SetupQuestion.Secret;
            }

            if (value.Length == 0)
            {
                Say(name + ": no value; 'unset " + name + "' takes it away");
                return SetupQuestion.Command;
            }

            Change(setting, value);
            return SetupQuestion.Command;
        }

        private void UnsetValue(string name)
        {
            int setting = SettingNames.Find(name);
            if (setting < 0)
            {
                Say(name.Length == 0 ? "unset what? 'help' lists the settings" : SettingNames.Unknown(name));
                return;
            }

            Change(setting, null);
        }

        private void TakeSecret(string value)
        {
            if (value.Length == 0)
            {
                Say(SettingNames.Of(_secret) + ": as it was");
                return;
            }

            Change(_secret, value);
        }

        private void Change(int setting, string value)
        {
            string error = _draft.Set(setting, value);
            if (error != null)
            {
                Say(error);
                return;
            }

            _isChanged = true;
            Say(SettingNames.Of(setting) + (value == null ? ": taken away, not saved yet" : ": set, not saved yet"));
        }

        /// <summary>In place of all that was set before.</summary>
        private void TakeJson(string line)
        {
            if (line.Length == 0 || line[line.Length - 1] != '}')
            {
                Say("nothing taken: the JSON must be in one line, from { to }");
                return;
            }

            SettingsDraft draft = SettingsReader.ReadDraft(Encoding.UTF8.GetBytes(line), out string error);
            if (draft == null || draft.Complete(out error) == null)
            {
                Say("nothing taken: " + error);
                return;
            }

            _draft = draft;
            _isChanged = true;
            Say("taken, not saved yet");
        }

        private void Save()
        {
            DeviceSettings settings = _draft.Complete(out string error);
            if (settings == null)
            {
                Say("not saved: " + error);
                return;
            }

            if (!_store.Save(settings))
            {
                Say("not saved: the flash could not be written");
                return;
            }

            _isChanged = false;
            Say("saved: reboot to use");
        }

        private void Reboot(bool warned)
        {
            if (_isChanged && !warned)
            {
                _rebootWarned = true;
                Say("there are changes that are not saved: 'save', or 'reboot' again to lose them");
                return;
            }

            Say("rebooting");
            _system.Reboot();
        }

        private void Forget(string answer)
        {
            if (answer != _forgetAnswer)
            {
                Say("not forgotten");
                return;
            }

            _draft = new SettingsDraft();
            _isChanged = false;
            Say(_store.Forget() ? "forgotten: reboot to be without" : "the flash could not be written: the settings may still be in it");
        }

        private static string FirstWord(string line)
        {
            int end = line.IndexOf(' ');
            return end < 0 ? line : line.Substring(0, end);
        }

        private static string AfterFirstWord(string line)
        {
            int end = line.IndexOf(' ');
            return end < 0 ? "" : line.Substring(end).Trim();
        }

        private void Say(string line)
        {
            _terminal.Write(line + SetupConsole.NewLine);
        }
    }
}
