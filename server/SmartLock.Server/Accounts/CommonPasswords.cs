namespace SmartLock.Server.Accounts;

/// <summary>The passwords of ten and more characters that are tried first, and are on every published list.</summary>
internal static class CommonPasswords
{
    private static readonly HashSet<string> All = new(StringComparer.OrdinalIgnoreCase)
    {
        "0123456789", "01234567890", "0987654321", "1029384756", "1111122222", "1122334455", "1212121212", "1231231231",
        "123123123123", "1234512345", "1234554321", "123456123456", "1234567890", "12345678900", "12345678901", "123456789012",
        "1234567890a", "1234567890q", "1234567891", "12345678910", "123456789a", "123456789abc", "123456789q", "123456789qwe",
        "1234qwerasdf", "1234qwerty", "123qweasdzxc", "12qwaszx12", "1357924680", "147258369a", "1470258369", "1q2w3e4r5t",
        "1q2w3e4r5t6y", "1qaz2wsx3edc", "1qazxsw23edc", "2222222222", "9876543210", "a123456789", "a1b2c3d4e5", "aa12345678",
        "aa123456789", "abc1234567", "abc123456789", "abcd123456", "abcd1234567", "abcdefghij", "abcdefghijk", "access1234",
        "adminadmin", "admin12345", "admin123456", "administrator", "alexander1", "apple12345", "asd123456789", "asdf123456",
        "asdfasdfasdf", "asdfghjkl1", "asdfghjkl;", "asdfghjkl123", "azertyuiop", "baseball123", "basketball", "batman12345",
        "bismillah1", "blink182blink", "butterfly1", "changeme12", "changeme123", "changeme1234", "chocolate1", "christopher",
        "computer123", "default123", "defaultpassword", "dragon12345", "elizabeth1", "football12", "football123", "forgotpassword",
        "frontdoor1", "helloworld", "helloworld1", "hello12345", "homesweethome", "iloveyou12", "iloveyou123", "iloveyou1234",
        "internet123", "justinbieber", "letmein123", "letmein1234", "letmeinnow", "liverpool1", "liverpool123", "love123456",
        "lovelovelove", "manchester", "master1234", "michael123", "monkey12345", "mustang123", "mypassword", "mypassword1",
        "mypassword123", "opensesame", "opensesame1", "p@ssw0rd12", "p@ssw0rd123", "p@ssword123", "pa55word123", "passw0rd12",
        "passw0rd123", "passw0rd1234", "password!!", "password01", "password1!", "password10", "password11", "password12",
        "password12!", "password123", "password123!", "password1234", "password12345", "password123456", "password2024",
        "password2025", "password2026", "passwordpassword", "pokemon123", "princess12", "princess123", "q1w2e3r4t5",
        "q1w2e3r4t5y6", "qazwsx1234", "qazwsxedc1", "qazwsxedc123", "qazwsxedcrfv", "qwaszx1234", "qwe123qwe123", "qwer123456",
        "qwerasdfzxcv", "qwert12345", "qwerty1234", "qwerty12345", "qwerty123456", "qwerty12345678", "qwerty123456789", "qwertyqwerty",
        "qwertyuiop", "qwertyuiop1", "qwertyuiop12", "qwertyuiop123", "qwertyuiop[]", "samsung123", "secret1234", "secretpassword",
        "smartlock1", "smartlock12", "smartlock123", "smartlock1234", "spiderman1", "sunshine12", "sunshine123", "superman12",
        "superman123", "supersecret", "temp123456", "test123456", "test1234567", "testtest12", "testtest123", "thisisapassword",
        "trustno1trustno1", "unlockme12", "unlockme123", "user123456", "welcome123", "welcome1234", "welcome12345", "welcome2025",
        "welcome2026", "whatever12", "whatever123", "yourpassword", "zaq12wsxcde3", "zxcvbnm123", "zxcvbnm,./", "zxcvbnmasdfghjkl",
    };

    public static bool Contains(string password) => All.Contains(password);
}
