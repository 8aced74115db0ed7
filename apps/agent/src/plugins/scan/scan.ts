/**
 * SCAN: what is installed on the machine, what listens, and who has an account, as one JSON document on stdout. Turned on
 * by `--plugins scan`. It is a plug-in like any other, and the one to copy for your own:
 *
 * - `type` and `parameters` are all that the server and the agent need to check a command before it runs.
 * - `run` gathers, with an eye on `signal`: it ends soon when the time is over, and what it couldn't find it says in the
 *   document instead of failing as a whole.
 * - What it prints is bounded (`document.ts`), and reading is apart from parsing: the parsers are pure, so that their
 *   tests need no machine.
 */
import type { CommandPlugin } from "../../commands/plugin.ts";
import { composeDocument, type ScanDocument } from "./document.ts";
import { scanPackages } from "./packages.ts";
import { scanPorts } from "./ports.ts";
import { scanUsers } from "./users.ts";

const sections = ["packages", "ports", "users"] as const;
type Section = (typeof sections)[number];

const defaultMaxPackages = 5_000;
// A section that takes longer is given up, with what there is of the others.
const sectionMs = 20_000;

export default {
  type: "SCAN",
  parameters: {
    type: "object",
    properties: {
      sections: {
        type: "array",
        items: { enum: [...sections] },
        minItems: 1,
        uniqueItems: true,
        description: "Default: all.",
      },
      maxPackages: { type: "integer", minimum: 1, maximum: 20_000, description: `Default: ${defaultMaxPackages}.` },
    },
    additionalProperties: false,
  },
  async run({ parameters, signal, write }) {
    const wanted = (parameters["sections"] ?? sections) as readonly Section[];
    const maxPackages = Number(parameters["maxPackages"] ?? defaultMaxPackages);
    const document: ScanDocument = { platform: process.platform, errors: [] };
    for (const section of wanted) {
      signal.throwIfAborted();
      await scanInto(document, section, maxPackages, AbortSignal.any([signal, AbortSignal.timeout(sectionMs)]));
    }
    await write("stdout", `${composeDocument(document)}\n`);
    // Something is there to be used, unless nothing of what was asked for could be found.
    return { exitCode: document.errors.length < wanted.length ? 0 : 1 };
  },
} satisfies CommandPlugin;

async function scanInto(
  document: ScanDocument,
  section: Section,
  maxPackages: number,
  signal: AbortSignal,
): Promise<void> {
  try {
    if (section === "packages") document.packages = await scanPackages(maxPackages, signal);
    else if (section === "ports") document.ports = await scanPorts(signal);
    else document.users = await scanUsers();
  } catch (error) {
    document.errors.push({ section, message: error instanceof Error ? error.message : String(error) });
  }
}
