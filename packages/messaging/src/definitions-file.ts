import { readFileSync, statSync } from "node:fs";
import { isMap, isNode, LineCounter, parseDocument, type Document } from "yaml";
import { MessagingError } from "./errors.ts";
import { didYouMean } from "./near-name.ts";
import type { QueueDefinition } from "./queue-definition.ts";
import { checkQueue } from "./resolve-queue.ts";

const largestFile = 1_048_576;
const mostAliases = 100;

/**
 * Reads queue definitions: `queues:` with a queue's settings under each name.
 *
 * @throws MessagingError `invalid_definition` with every problem, a line each: file, line, path, what was expected.
 */
export function readQueueDefinitions(file: string): QueueDefinition[] {
  let text: string;
  try {
    if (statSync(file).size > largestFile) throw new Error("it is larger than 1 MiB");
    text = readFileSync(file, "utf8");
  } catch (cause) {
    throw new MessagingError(
      "invalid_definition",
      `${file}: can't be read: ${cause instanceof Error ? cause.message : "?"}`,
      { cause },
    );
  }
  return parseQueueDefinitions(text, file);
}

/** As {@link readQueueDefinitions}, of a text; `file` only names it in errors. */
export function parseQueueDefinitions(text: string, file: string): QueueDefinition[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  const problems = document.errors.map(
    ({ pos, message }) => `${file}:${lines.linePos(pos[0]).line}: ${message.split("\n", 1)[0]}`,
  );
  if (problems.length > 0) throw new MessagingError("invalid_definition", problems.join("\n"));

  const say = (path: readonly string[], problem: string): void => {
    problems.push(`${file}:${lineOf(document, path, lines)}: ${[...path, ""].join(": ")}${problem}`);
  };
  let content: unknown;
  try {
    content = document.toJS({ maxAliasCount: mostAliases });
  } catch (cause) {
    throw new MessagingError("invalid_definition", `${file}: ${cause instanceof Error ? cause.message : "not YAML"}`, {
      cause,
    });
  }
  const root =
    isMap(document.contents) && typeof content === "object" && content !== null ? Object.entries(content) : [];
  for (const [key] of root) if (key !== "queues") say([key], `unknown${didYouMean(key, ["queues"])}`);
  const queues: unknown = root.find(([key]) => key === "queues")?.[1];
  if (typeof queues !== "object" || queues === null || Array.isArray(queues)) {
    say([], "expected queues: with a queue's settings under each name");
  } else {
    const found = Object.entries(queues).map(([name, raw]) => {
      const { problems: wrong } = checkQueue(name, raw);
      for (const { path, problem } of wrong) say(["queues", name, ...path], problem);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- checked a line above
      return { ...(raw as object), name } as QueueDefinition;
    });
    if (problems.length === 0) return found;
  }
  throw new MessagingError("invalid_definition", problems.join("\n"));
}

/** Of the deepest part of the path that is in the file. */
function lineOf(document: Document, path: readonly string[], lines: LineCounter): number {
  for (let depth = path.length; depth > 0; depth--) {
    const parts = path.slice(0, depth);
    const parent: unknown = depth === 1 ? document.contents : document.getIn(parts.slice(0, -1), true);
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => isNode(key) && String(key) === parts.at(-1))
      : undefined;
    const node: unknown = pair === undefined ? document.getIn(parts, true) : pair.key;
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
