using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.Tokens;
using SmartLock.Server.Infrastructure;

namespace SmartLock.Server.Accounts;

/// <summary>What access tokens are signed with: <c>Jwt:SigningKey</c>, or a key that the first start makes.</summary>
internal sealed class SigningKey(IOptions<JwtOptions> options, DataFolder folder)
{
    private const string FileName = "jwt-signing.key";

    public SymmetricSecurityKey Key { get; } = new(ServerKey.Load(options.Value.SigningKey, folder.File(FileName)));
}
