import { expect, test } from "vitest";
import { resolveRabbitMQ } from "./target.ts";

test("nothing set is guest on this machine", () => {
  expect(resolveRabbitMQ({})).toEqual({
    hosts: [{ host: "localhost", port: 5672 }],
    vhost: "/",
    username: "guest",
    password: "guest",
    tls: null,
  });
});

test.each([
  ["amqp://u:p@h", { hosts: [{ host: "h", port: 5672 }], vhost: "/", username: "u", password: "p", tls: null }],
  [
    "amqp://u:p%2F%40@h:1/%2Fa%20b",
    { hosts: [{ host: "h", port: 1 }], vhost: "/a b", username: "u", password: "p/@", tls: null },
  ],
  [
    "amqps://u:p@a,b:5",
    {
      hosts: [
        { host: "a", port: 5671 },
        { host: "b", port: 5 },
      ],
      vhost: "/",
      username: "u",
      password: "p",
      tls: {},
    },
  ],
  [
    "amqp://u:p@[::1]:5673/v",
    { hosts: [{ host: "::1", port: 5673 }], vhost: "v", username: "u", password: "p", tls: null },
  ],
])("%s is read", (url, expected) => {
  expect(resolveRabbitMQ({ url })).toEqual(expected);
});

test.each([
  "amqps://u:p@a,b:5, c",
  "http://u:p@h",
  "amqp://h:99999",
  "amqp://h:x",
  "amqp://u:%zz@h",
  "amqp://",
  "nonsense",
])("%s is no RabbitMQ URL", (url) => {
  expect(() => resolveRabbitMQ({ url })).toThrow(/RabbitMQ URL/);
});

test("the URL and the parts may not contradict each other, and the error has no password", () => {
  expect(resolveRabbitMQ({ url: "amqp://u:long-secret@h/v", username: "u", vhost: "v" }).vhost).toBe("v");
  expect(() => resolveRabbitMQ({ url: "amqp://u:long-secret@h/v", vhost: "w" })).toThrow(/vhost setting/);
  expect(() => resolveRabbitMQ({ url: "amqp://u:long-secret@h", password: "another" })).toThrow(
    /^(?!.*(long-secret|another)).*$/s,
  );
});

test("a well-known password stays on this machine", () => {
  expect(() => resolveRabbitMQ({ host: "mq.example.com", username: "helixagent", password: "helixagent123" })).toThrow(
    /well-known/,
  );
  expect(() => resolveRabbitMQ({ host: "mq.example.com" })).toThrow(/well-known/);
  expect(resolveRabbitMQ({ host: "127.0.0.9", password: "guest" }).hosts[0]?.host).toBe("127.0.0.9");
  expect(resolveRabbitMQ({ host: "mq.example.com", username: "u", password: "x7-long" }).username).toBe("u");
});
