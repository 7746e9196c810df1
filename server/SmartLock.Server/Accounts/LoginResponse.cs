namespace SmartLock.Server.Accounts;

/// <param name="ExpiresIn">Seconds.</param>
/// <param name="RefreshToken">Good once; null when it is in a cookie.</param>
/// <param name="RefreshExpiresIn">Seconds.</param>
internal sealed record LoginResponse(
    string AccessToken,
    string TokenType,
    int ExpiresIn,
    string? RefreshToken,
    int RefreshExpiresIn,
    string Username,
    Role Role)
{
    /// <summary>Hands the tokens over, the refresh token in the answer or in a cookie.</summary>
    public static LoginResponse Of(SessionTokens tokens, string username, Role role, bool inCookie, HttpContext context)
    {
        if (inCookie)
        {
            RefreshCookie.Set(context, tokens.RefreshToken, tokens.RefreshLifetime);
        }

        return new LoginResponse(
            tokens.AccessToken,
            "Bearer",
            (int)tokens.AccessLifetime.TotalSeconds,
            inCookie ? null : tokens.RefreshToken,
            (int)tokens.RefreshLifetime.TotalSeconds,
            username,
            role);
    }

    public override string ToString() => $"Login of {Username}";
}
