/**
 * An example plug-in: counts the words of a text. Run the agent with `--plugins apps/agent/examples/word-count.ts`, then
 * queue a command of the type WORD_COUNT with parameters such as `{ "text": "to be or not to be" }`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { CommandPlugin } from "@fleetwire/agent";

export default {
  type: "WORD_COUNT",
  parameters: {
    type: "object",
    properties: {
      text: { type: "string" },
      everyMs: { type: "integer", minimum: 0, maximum: 60_000, description: "Pause after each word." },
    },
    required: ["text"],
    additionalProperties: false,
  },
  async run({ parameters, signal, log, write }) {
    const words = String(parameters["text"]).split(/\s+/).filter(Boolean);
    for (const [index, word] of words.entries()) {
      await write("stderr", `${index + 1} ${word}\n`);
      await sleep(Number(parameters["everyMs"] ?? 0), undefined, { signal });
    }
    log.info({ words: words.length }, "words counted");
    await write("stdout", `${words.length}\n`);
    return { exitCode: words.length > 0 ? 0 : 1 };
  },
} satisfies CommandPlugin;
