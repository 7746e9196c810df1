using SmartLock.Device;

namespace SmartLock.VirtualDevice.Board;

internal sealed class VirtualLight : IOutputLine
{
    private volatile bool _lit;

    public bool Lit => _lit;

    public void Write(bool lit) => _lit = lit;
}
