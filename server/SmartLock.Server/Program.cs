using SmartLock.Server.Cli;
using SmartLock.Server.Legacy.Import;

return await CommandLine.RunAsync(args, ImportCommand.Extension);
