using Microsoft.Extensions.Options;

namespace SmartLock.Server.Infrastructure;

internal static class ValidatedOptions
{
    /// <summary>
    /// Binds a section and checks it when the server starts. A key that the type does not have is an error, so that a typing
    /// mistake is not taken for a setting.
    /// </summary>
    /// <param name="check">One sentence that names the key at fault, or null.</param>
    public static IServiceCollection AddValidatedOptions<T>(this IServiceCollection services, string section, Func<T, string?> check)
        where T : class
    {
        services.AddOptions<T>()
            .BindConfiguration(section, binder => binder.ErrorOnUnknownConfiguration = true)
            .ValidateOnStart();
        return services.AddSingleton<IValidateOptions<T>>(new Check<T>(check));
    }

    private sealed class Check<T>(Func<T, string?> check) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options) =>
            check(options) is { } message
                ? ValidateOptionsResult.Fail(message)
                : ValidateOptionsResult.Success;
    }
}
