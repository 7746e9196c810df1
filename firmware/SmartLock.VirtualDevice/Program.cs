using SmartLock.VirtualDevice.Terminal;

return await DeviceProgram.RunAsync(args);
