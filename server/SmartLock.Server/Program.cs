return await SmartLock.Server.Cli.CommandLine.RunAsync(args);
