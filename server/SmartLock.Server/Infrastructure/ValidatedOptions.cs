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
            .Configure<IConfiguration>((options, configuration) => Bind(configuration.GetSection(section), options))
            .ValidateOnStart();
        return services.AddSingleton<IValidateOptions<T>>(new Check<T>(check));
    }

    private static void Bind(IConfigurationSection section, object options)
    {
        try
        {
            section.Bind(options, binder => binder.ErrorOnUnknownConfiguration = true);
        }
        catch (InvalidOperationException e)
        {
            // "... were not found on the instance of T: 'Key'", or "Failed to convert configuration value ... at 'Key' ...".
            var unknown = e.Message.LastIndexOf(": '", StringComparison.Ordinal);
            throw new StartupException(
                unknown >= 0 && e.Message.Contains("not found on the instance", StringComparison.Ordinal)
                    ? $"The configuration section {section.Path} has no setting {e.Message[(unknown + 2)..]}."
                    : e.Message,
                e);
        }
    }

    private sealed class Check<T>(Func<T, string?> check) : IValidateOptions<T>
        where T : class
    {
        public ValidateOptionsResult Validate(string? name, T options) =>
            check(options) is { } message ? ValidateOptionsResult.Fail(message) : ValidateOptionsResult.Success;
    }
}
