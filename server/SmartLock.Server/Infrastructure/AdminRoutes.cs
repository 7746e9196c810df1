using Microsoft.AspNetCore.Authorization;

namespace SmartLock.Server.Infrastructure;

/// <summary>What all endpoints under <c>/api/admin</c> have in common; each feature maps its own there.</summary>
internal static class AdminRoutes
{
    private static readonly AuthorizationPolicy AdminsOnly =
        new AuthorizationPolicyBuilder().RequireAuthenticatedUser().RequireRole(Identity.AdminRole).Build();

    /// <summary>A group that answers 403 <c>forbidden</c> to everybody who is signed in but not an admin.</summary>
    public static RouteGroupBuilder MapAdmin(this IEndpointRouteBuilder routes) =>
        routes.MapGroup("/api/admin").WithTags("Admin").RequireAuthorization(AdminsOnly).ProducesProblem(StatusCodes.Status403Forbidden);
}
