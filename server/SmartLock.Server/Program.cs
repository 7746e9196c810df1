await SmartLock.Server.SmartLockServer.Create(args).RunAsync();
