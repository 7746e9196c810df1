using System.Net;

namespace SmartLock.Demo;

/// <summary>What the demo prints: lines to copy as they stand.</summary>
internal static class DemoText
{
    public static string Of(Uri http, IPEndPoint mqtt, DemoAccount account, string observerPassword, string folder)
    {
        var api = http.GetLeftPart(UriPartial.Authority);
        var door = account.Locks[0];
        var lockLines = string.Join('\n', account.Locks.Select(l => $"    {l.DeviceId}   {l.Name}"));
        return $$"""

            SmartLock is up: server, MQTT broker, database and two virtual locks.

              API        {{api}}        documentation {{api}}/docs
              MQTT       {{mqtt}}        for this machine only, unless it is started with --Mqtt:Address=0.0.0.0
              Data       {{folder}} (removed at the end)
              Account    {{account.Username}} / {{account.Password}}
              Locks
            {{lockLines}}

            In another terminal, copy these as they stand:

            # sign in
            TOKEN=$(curl -s {{api}}/api/auth/login -H 'Content-Type: application/json' -d '{"username":"{{account.Username}}","password":"{{account.Password}}"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')

            # unlock the door and wait until the bolt has moved
            curl -s {{api}}/api/unlock -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'Prefer: wait=5' -d '{"device_id":"{{door.DeviceId}}"}'; echo

            # read the lock
            curl -s {{api}}/api/locks/{{door.DeviceId}} -H "Authorization: Bearer $TOKEN"; echo

            # who did what, and when
            curl -s {{api}}/api/logs -H "Authorization: Bearer $TOKEN"; echo

            # watch the traffic (Debian and Ubuntu: apt install mosquitto-clients)
            mosquitto_sub -h {{mqtt.Address}} -p {{mqtt.Port}} -u observer -P {{observerPassword}} -t 'smartlock/#' -v

            Ctrl-C ends all of it.
            """;
    }
}
