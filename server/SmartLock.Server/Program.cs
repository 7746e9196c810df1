using SmartLock.Server.Cli;
using SmartLock.Server.Original.Import;

return await CommandLine.RunAsync(args, ImportCommand.Extension);
