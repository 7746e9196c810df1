// An MQTT client of MQTT.js's (version 5): takes its plan as JSON on standard input, prints what happens as JSON lines. See Peer.cs.
"use strict";

const fs = require("node:fs");
const mqtt = require("mqtt");

const properties = {
  payload_format_indicator: "payloadFormatIndicator",
  message_expiry_interval: "messageExpiryInterval",
  content_type: "contentType",
  response_topic: "responseTopic",
  correlation_data: "correlationData",
  topic_alias: "topicAlias",
  user_properties: "userProperties",
  subscription_identifiers: "subscriptionIdentifier",
  will_delay_interval: "willDelayInterval",
};
const schemes = { tcp: "mqtt", tls: "mqtts", ws: "ws", wss: "wss" };

const plan = JSON.parse(fs.readFileSync(0, "utf8"));
const isV5 = plan.version === 5;
let arrived = 0;
let enough = () => {};

function say(event, details) {
  process.stdout.write(JSON.stringify({ event, ...details }) + "\n");
}

function pack(values) {
  if (!isV5) {
    return undefined;
  }
  const packed = {};
  for (const [name, value] of Object.entries(values ?? {})) {
    packed[properties[name]] = toTheirs(name, value);
  }
  return packed;
}

function toTheirs(name, value) {
  if (name === "payload_format_indicator") {
    return value === 1;
  }
  if (name === "correlation_data") {
    return Buffer.from(value);
  }
  // One list of values for each name.
  return name === "user_properties" ? Object.fromEntries(value.map(([k]) => [k, value.filter((p) => p[0] === k).map((p) => p[1])])) : value;
}

function unpack(packed) {
  const found = {};
  for (const [name, theirs] of Object.entries(properties)) {
    if (packed?.[theirs] !== undefined) {
      found[name] = toOurs(name, packed[theirs]);
    }
  }
  return found;
}

function toOurs(name, value) {
  switch (name) {
    case "payload_format_indicator":
      return value ? 1 : 0;
    case "correlation_data":
      return value.toString();
    case "subscription_identifiers":
      return [value].flat();
    case "user_properties":
      return Object.entries(value).flatMap(([k, values]) => [values].flat().map((v) => [k, v]));
    default:
      return value;
  }
}

function options() {
  const will = plan.will && { ...plan.will, payload: Buffer.from(plan.will.payload), properties: pack(plan.will.properties) };
  return {
    protocolVersion: plan.version,
    clientId: plan.client_id,
    username: plan.user,
    password: plan.password,
    clean: plan.clean,
    keepalive: plan.keep_alive,
    reconnectPeriod: 0,
    ca: plan.ca && fs.readFileSync(plan.ca),
    properties: isV5 ? { sessionExpiryInterval: plan.session_expiry } : undefined,
    ...(will ? { will } : {}),
  };
}

async function subscribe(client) {
  for (const wanted of plan.subscribe) {
    await client.subscribeAsync(wanted.filter, {
      qos: wanted.qos,
      ...(isV5 ? { nl: wanted.no_local, rap: wanted.retain_as_published, rh: wanted.retain_handling } : {}),
      properties: plan.subscription_identifier ? { subscriptionIdentifier: plan.subscription_identifier } : undefined,
    }).catch(() => {});
  }
}

async function publish(client, message) {
  const { qos, retain } = message;
  try {
    await client.publishAsync(message.topic, message.payload, { qos, retain, properties: pack(message.properties) });
    say("published", { topic: message.topic, reason: 0 });
  } catch (refusal) {
    say("published", { topic: message.topic, reason: refusal.code });
  }
}

async function work(client) {
  const all = new Promise((resolve) => { enough = () => arrived >= plan.until && resolve(); });
  await subscribe(client);
  for (const message of plan.publish) {
    await publish(client, message);
  }
  if (plan.until != null) {
    enough();
    await all;
    await client.endAsync();
    leave(0);
  }
}

// Whatever becomes of the test, this ends.
// Node.js writes to a pipe in the background, and an exit cuts off what has not been read yet.
function leave(code) {
  process.stdout.write("", () => process.exit(code));
}

setTimeout(() => leave(1), 60_000).unref();

const url = `${schemes[plan.transport]}://${plan.host}:${plan.port}${plan.transport.startsWith("ws") ? "/mqtt" : ""}`;
const client = mqtt.connect(url, options());
client.on("connect", (connack) => {
  say("connected", { reason: 0, session_present: connack.sessionPresent, assigned_client_id: connack.properties?.assignedClientIdentifier });
  work(client);
});
client.on("message", (topic, payload, packet) => {
  say("message", { topic, payload: payload.toString(), qos: packet.qos, retain: packet.retain, properties: unpack(packet.properties) });
  arrived++;
  enough();
});
client.on("packetreceive", (packet) => {
  if (packet.cmd === "suback") {
    say("subscribed", { codes: packet.granted });
  } else if (packet.cmd === "pingresp") {
    say("pong", {});
  } else if (packet.cmd === "disconnect") {
    say("disconnected", { reason: packet.reasonCode });
  }
});
client.on("error", (error) => {
  say("connected", { reason: typeof error.code === "number" ? error.code : -1, message: error.message });
  leave(0);
});
client.on("close", () => say("closed", {}));
