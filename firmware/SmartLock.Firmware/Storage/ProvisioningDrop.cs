using System;
using System.IO;
using SmartLock.Device;

namespace SmartLock.Firmware
{
    /// <summary>A file of settings that somebody copied to the flash. It holds the secrets, so it goes once it is taken.</summary>
    internal static class ProvisioningDrop
    {
        public const string FileName = "smartlock.json";

        public static void Take(string root, SettingsStore store, ILog log)
        {
            string path = root + FileName;
            try
            {
                byte[] file = SmallFile.Read(path, ProvisioningFile.MaxBytes);
                if (file == null)
                {
                    return;
                }

                if (ProvisioningFile.Take(file, store, out string error) != Provisioning.Stored)
                {
                    log.Write(FileName + " is not taken: " + error);
                    return;
                }

                log.Write(FileName + " is taken");
                Delete(path, log);
            }
            catch (Exception e)
            {
                log.Write(FileName + ": " + e.Message);
            }
        }

        private static void Delete(string path, ILog log)
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception e)
            {
                log.Write(FileName + " is still there, and will be taken again at each start: " + e.Message);
            }
        }
    }
}
