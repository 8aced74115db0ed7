import { expect, test } from "vitest";
import { parseQueueDefinitions, readQueueDefinitions } from "./definitions-file.ts";

const good = `
queues:
  tasks.llm:
    kind: task
    groups: [workers]
    priority: native
    retry: { maxRetries: 5, initial: 500ms, max: 1m }
  user-events:
    kind: event
    groups:
      - company
      - { name: audit, topics: ["#"] }
    tracking: reports
`;

test("definitions are read as they are written", () => {
  expect(parseQueueDefinitions(good, "queues.yaml")).toEqual([
    {
      name: "tasks.llm",
      kind: "task",
      groups: ["workers"],
      priority: "native",
      retry: { maxRetries: 5, initial: "500ms", max: "1m" },
    },
    { name: "user-events", kind: "event", groups: ["company", { name: "audit", topics: ["#"] }], tracking: "reports" },
  ]);
});

test.each([
  [
    "queues:\n  a:\n    kind: stream\n    groups: [g]",
    "queues.yaml:3: queues: a: kind: expected one of task, event, broadcast",
  ],
  [
    "queues:\n  a:\n    kind: task\n    gruops: [g]",
    'queues.yaml:4: queues: a: gruops: unknown; did you mean "groups"?',
  ],
  [
    "queues:\n  a:\n    kind: task\n    groups: [g]\n    retry:\n      maxRetires: 3",
    'queues.yaml:6: queues: a: retry: maxRetires: unknown; did you mean "maxRetries"?',
  ],
  [
    "queues:\n  a:\n    kind: task\n    groups: [g]\n    ttl: 10 minutes",
    "queues.yaml:5: queues: a: ttl: expected a duration",
  ],
  ["queue:\n  a: {}", 'queues.yaml:1: queue: unknown; did you mean "queues"?'],
  ["queues:\n  a:", "queues.yaml:2: queues: a: expected the queue's settings"],
  [
    "queues:\n  a: { kind: task, groups: [g] }\n  a: { kind: task, groups: [g] }",
    "queues.yaml:3: Map keys must be unique",
  ],
  ["queues: [a]", "queues.yaml:1: expected queues:"],
  ["", "queues.yaml:1: expected queues:"],
  ["queues:\n  a: [", "queues.yaml:2: "],
])("%j is told with its line", (text, words) => {
  expect(() => parseQueueDefinitions(text, "queues.yaml")).toThrow(words);
});

test("every problem is told at once", () => {
  const text = "queues:\n  a: { kind: task }\n  b: { kind: event, groups: [g], concurrency: 0 }";
  expect(() => parseQueueDefinitions(text, "q")).toThrow(/q:2: .*needs a group[^]*q:3: .*concurrency/);
});

test("a file that can't be read, and a bomb of aliases, are errors", () => {
  expect(() => readQueueDefinitions("/nowhere/queues.yaml")).toThrow(/\/nowhere\/queues\.yaml: can't be read/);
  const lines = [
    "a: &a [x,x,x,x,x,x,x,x,x]",
    ..."bcdefghi"
      .split("")
      .map((name, at) => `${name}: &${name} [${Array.from({ length: 9 }, () => `*${"abcdefgh"[at]}`).join(",")}]`),
  ];
  expect(() => parseQueueDefinitions(lines.join("\n"), "bomb")).toThrow(/bomb: /);
});
