namespace SmartLock.Device
{
    public enum Provisioning
    {
        /// <summary>Stored, or stored already: delete the file, it holds the secrets.</summary>
        Stored,

        /// <summary>Not settings that can be used: keep the file and tell the error.</summary>
        Refused,

        /// <summary>The flash could not be written: keep the file and tell the error.</summary>
        NotStored,
    }

    /// <summary>
    /// Settings in a file that was copied to the board, in the form of <see cref="SettingsReader"/>. The host reads the file at its
    /// start, hands it over, and deletes it once it is stored. A power cut between storing and deleting does no harm: at the next start
    /// the file is what is stored already, nothing is written, and it is deleted then. A file that cannot be deleted is stored again
    /// over whatever the set-up console has saved since, so a host must tell of it.
    /// </summary>
    public static class ProvisioningFile
    {
        /// <summary>A file with more bytes need not be read further than one past this: it is refused.</summary>
        public const int MaxBytes = FlatJsonReader.MaxBytes;

        /// <param name="file">The whole file.</param>
        /// <param name="error">Null when it is stored; else what is wrong, without any value from the file.</param>
        public static Provisioning Take(byte[] file, SettingsStore store, out string error)
        {
            DeviceSettings settings = SettingsReader.Read(file, out error);
            if (settings == null)
            {
                return Provisioning.Refused;
            }

            if (!store.Save(settings))
            {
                error = "the flash could not be written";
                return Provisioning.NotStored;
            }

            return Provisioning.Stored;
        }
    }
}
