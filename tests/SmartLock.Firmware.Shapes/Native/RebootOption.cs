namespace nanoFramework.Runtime.Native;

public enum RebootOption
{
    NormalReboot,
    EnterNanoBooter,
    ClrOnly,
    EnterProprietaryBooter,
}
