using System.IO;

namespace SmartLock.Firmware
{
    /// <summary>Whole files of a few kilobytes at most: what is longer is not one of ours, and there is no memory for it.</summary>
    internal static class SmallFile
    {
        /// <summary>Null when there is none. Throws when it is longer, or cannot be read.</summary>
        public static byte[] Read(string path, int maxLength)
        {
            if (!File.Exists(path))
            {
                return null;
            }

            using (FileStream file = new FileStream(path, FileMode.Open, FileAccess.Read))
            {
                if (file.Length > maxLength)
                {
                    throw new IOException("The file is too long: " + path);
                }

                byte[] content = new byte[(int)file.Length];
                int read = 0;
                while (read < content.Length)
                {
                    int more = file.Read(content, read, content.Length - read);
                    if (more <= 0)
                    {
                        throw new IOException("The file ends early: " + path);
                    }

                    read += more;
                }

                return content;
            }
        }

        /// <summary>Returns once it is in the flash: closing is what brings it there.</summary>
        public static void Write(string path, byte[] content)
        {
            using (FileStream file = new FileStream(path, FileMode.Create, FileAccess.Write))
            {
                file.Write(content, 0, content.Length);
                file.Flush();
            }
        }
    }
}
