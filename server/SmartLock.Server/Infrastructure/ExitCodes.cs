namespace SmartLock.Server.Infrastructure;

/// <summary>How every command of the program ends. Scripts and service managers rely on these.</summary>
internal static class ExitCodes
{
    public const int Ok = 0;

    /// <summary>It was understood and could not be done; the sentence says why.</summary>
    public const int Failed = 1;

    /// <summary>The command line, or what was typed at a question, is not as it must be.</summary>
    public const int WrongInput = 2;

    /// <summary><c>audit verify</c>: the log is not as the server wrote it.</summary>
    public const int LogBroken = 3;

    /// <summary>A setting is wrong: trying again is no use until somebody mends it. EX_CONFIG of sysexits(3).</summary>
    public const int Configuration = 78;

    /// <summary>Broken off at a question, as a shell has it for Ctrl-C (128 + SIGINT).</summary>
    public const int Cancelled = 130;
}
