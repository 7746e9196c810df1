using Microsoft.AspNetCore.Authorization;
using SmartLock.Server.Accounts;

namespace SmartLock.Server.Admin;

/// <summary>What all endpoints under <c>/api/admin</c> have in common; each feature maps its own there.</summary>
internal static class AdminRoutes
{
    private static readonly AuthorizationPolicy AdminsOnly =
        new AuthorizationPolicyBuilder().RequireAuthenticatedUser().RequireRole(nameof(Role.Admin)).Build();

    /// <summary>A group that answers 403 <c>forbidden</c> to everybody who is signed in and no admin.</summary>
    public static RouteGroupBuilder MapAdmin(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/api/admin").WithTags("Admin").RequireAuthorization(AdminsOnly).ProducesProblem(StatusCodes.Status403Forbidden);
}
