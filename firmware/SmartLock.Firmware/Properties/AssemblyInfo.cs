using System.Reflection;

[assembly: AssemblyTitle("SmartLock.Firmware")]
[assembly: AssemblyProduct("SmartLock")]
[assembly: AssemblyVersion("1.0.0.0")]
[assembly: AssemblyFileVersion("1.0.0.0")]
