using System.Text;

namespace SmartLock.Server.Live;

/// <summary>
/// The event stream's framing (https://html.spec.whatwg.org/multipage/server-sent-events.html). Written here, since the framework's own
/// writer has no comments, which are what keeps an idle connection alive, and no id without an event.
/// </summary>
internal static class LiveFrames
{
    /// <summary>
    /// With the position: a listener without events of its own, while others have many, would otherwise resume from a position that is no longer remembered.
    /// </summary>
    public static byte[] Ping(string id) => Encoding.UTF8.GetBytes($": ping\nid: {id}\n\n");

    /// <summary>How long a client waits before it comes back, and where it then goes on from, before any event has told it.</summary>
    public static byte[] Opening(string id) => Encoding.UTF8.GetBytes($"retry: 2000\nid: {id}\n\n");

    /// <summary>Events were missed that nobody knows any more: read everything again, then go on listening.</summary>
    public static byte[] Resync(string id) => Encoding.UTF8.GetBytes($"event: resync\nid: {id}\ndata: {{}}\n\n");

    /// <param name="data">Without line breaks: one line of the stream.</param>
    public static byte[] Event(string id, string kind, byte[] data) =>
        [.. Encoding.UTF8.GetBytes($"event: {kind}\nid: {id}\ndata: "), .. data, .. "\n\n"u8];
}
