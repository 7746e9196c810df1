"""An MQTT client of paho's (1.6 or 2): takes its plan as JSON on standard input, prints what happens as JSON lines. See Peer.cs."""
import json
import queue
import signal
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

PROPERTIES = {
    "payload_format_indicator": "PayloadFormatIndicator",
    "message_expiry_interval": "MessageExpiryInterval",
    "content_type": "ContentType",
    "response_topic": "ResponseTopic",
    "correlation_data": "CorrelationData",
    "topic_alias": "TopicAlias",
    "user_properties": "UserProperty",
    "subscription_identifiers": "SubscriptionIdentifier",
    "will_delay_interval": "WillDelayInterval",
}

# Whatever becomes of the test, this ends.
signal.alarm(60)
plan = json.load(sys.stdin)
is_v5 = plan["version"] == 5
printing = threading.Lock()
answers = queue.Queue()
arrived = threading.Semaphore(0)


def say(event, **details):
    with printing:
        print(json.dumps({"event": event, **details}), flush=True)


def pack(kind, values):
    if not is_v5:
        return None
    properties = Properties(kind)
    for name, value in (values or {}).items():
        if name == "correlation_data":
            value = value.encode()
        elif name == "user_properties":
            value = [tuple(pair) for pair in value]
        setattr(properties, PROPERTIES[name], value)
    return properties


def unpack(properties):
    found = {name: getattr(properties, theirs) for name, theirs in PROPERTIES.items() if hasattr(properties, theirs)}
    if "correlation_data" in found:
        found["correlation_data"] = found["correlation_data"].decode()
    return found


def code(reason):
    return getattr(reason, "value", reason)


def on_connect(_, __, flags, reason, properties=None):
    assigned = getattr(properties, "AssignedClientIdentifier", None)
    say("connected", reason=code(reason), session_present=bool(flags["session present"]), assigned_client_id=assigned)
    answers.put(code(reason))


def on_subscribe(_, __, ___, codes, properties=None):
    say("subscribed", codes=[code(c) for c in codes])
    answers.put(codes)


def on_message(_, __, message):
    say("message", topic=message.topic, payload=message.payload.decode(), qos=message.qos, retain=bool(message.retain),
        properties=unpack(getattr(message, "properties", None)))
    arrived.release()


def on_disconnect(client, _, reason, properties=None):
    say("disconnected", reason=code(reason))
    # It would reconnect by itself.
    client.disconnect()


def on_log(_, __, ___, text):
    if text.startswith("Received PINGRESP"):
        say("pong")


def subscribe(client, wanted):
    if not is_v5:
        client.subscribe([(s["filter"], s["qos"]) for s in wanted])
        return
    options = [(s["filter"], SubscribeOptions(s["qos"], s["no_local"], s["retain_as_published"], s["retain_handling"])) for s in wanted]
    identifier = plan.get("subscription_identifier")
    client.subscribe(options, properties=pack(PacketTypes.SUBSCRIBE, identifier and {"subscription_identifiers": identifier}))


def make_client():
    # paho 2 has both kinds of callbacks and wants to be told which.
    kind = [mqtt.CallbackAPIVersion.VERSION1] if hasattr(mqtt, "CallbackAPIVersion") else []
    clean = {} if is_v5 else {"clean_session": plan["clean"]}
    transport = "websockets" if plan["transport"] in ("ws", "wss") else "tcp"
    client = mqtt.Client(*kind, client_id=plan["client_id"], protocol=mqtt.MQTTv5 if is_v5 else mqtt.MQTTv311, transport=transport, **clean)
    client.username_pw_set(plan["user"], plan["password"])
    if plan["transport"] in ("tls", "wss"):
        client.tls_set(plan["ca"])
    if transport == "websockets":
        client.ws_set_options("/mqtt")
    for callback in (on_connect, on_subscribe, on_message, on_disconnect, on_log):
        setattr(client, callback.__name__, callback)
    will = plan.get("will")
    if will:
        client.will_set(will["topic"], will["payload"], will["qos"], will["retain"], pack(PacketTypes.WILLMESSAGE, will.get("properties")))
    return client


def connect(client):
    options = {}
    if is_v5:
        options = {"clean_start": plan["clean"], "properties": Properties(PacketTypes.CONNECT)}
        options["properties"].SessionExpiryInterval = plan["session_expiry"]
    client.connect(plan["host"], plan["port"], plan["keep_alive"], **options)
    client.loop_start()
    return answers.get() == 0


def main():
    client = make_client()
    if not connect(client):
        return
    if plan["subscribe"]:
        subscribe(client, plan["subscribe"])
        answers.get()
    for message in plan["publish"]:
        sent = client.publish(message["topic"], message["payload"], message["qos"], message["retain"],
                              pack(PacketTypes.PUBLISH, message.get("properties")))
        sent.wait_for_publish()
        say("published", topic=message["topic"])
    if plan.get("until") is None:
        signal.pause()
    for _ in range(plan["until"]):
        arrived.acquire()
    client.disconnect()
    client.loop_stop()


main()
