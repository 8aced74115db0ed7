import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { eventually, startProcess } from "@fleetwire/testbed";

const packageFolder = fileURLToPath(new URL("../../", import.meta.url));
const root = fileURLToPath(new URL("../../../../", import.meta.url));

/** A page's block of code, under which heading, and what it says that it prints: the text block right behind it. */
export interface CodeBlock {
  readonly heading: string;
  readonly code: string;
  readonly prints: readonly string[];
}

/** The ```ts blocks of a page, in order. The page's path is from the root. */
export function codeBlocks(page: string): CodeBlock[] {
  const text = readFileSync(join(root, page), "utf8");
  const blocks: CodeBlock[] = [];
  for (const match of text.matchAll(/^```ts\n([\s\S]*?)^```\n(?:\n```text\n([\s\S]*?)^```\n)?/gm)) {
    const [, code = "", prints = ""] = match;
    const heading =
      text
        .slice(0, match.index)
        .match(/^#+ .*$/gm)
        ?.at(-1)
        ?.replace(/^#+ /, "") ?? page;
    blocks.push({ heading, code, prints: prints.split("\n").filter((line) => line !== "") });
  }
  return blocks;
}

/** Programs in a folder inside this package, where its own name can be imported; gone with `remove`. */
export function programFolder() {
  // Ignored by git, and by every check.
  mkdirSync(join(packageFolder, "dist"), { recursive: true });
  const folder = mkdtempSync(join(packageFolder, "dist", "programs-"));

  return {
    write: (name: string, code: string): string => {
      const file = join(folder, name);
      writeFileSync(file, code);
      return file;
    },
    /** Type-checks all of it; gives the compiler's complaints. */
    check: async (): Promise<string> => {
      const settings = {
        extends: join(root, "tsconfig.base.json"),
        // An example's imports may be there for the reader.
        compilerOptions: { noUnusedLocals: false, typeRoots: [join(packageFolder, "node_modules/@types")] },
        include: [folder],
      };
      writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(settings));
      const tsc = join(packageFolder, "node_modules/.bin/tsc");
      const run = startProcess({ name: "tsc", command: tsc, args: ["-p", folder], cwd: folder });
      await run.exited;
      return run.output.join("\n");
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs a program from the root; waits until it has printed so many lines, ends it by SIGTERM, gives all of its lines. */
export async function runProgram(file: string, env: Record<string, string>, lines: number): Promise<string[]> {
  const run = startProcess({
    name: file,
    command: process.execPath,
    args: ["--conditions=@fleetwire/source", file],
    cwd: root,
    env,
  });
  let ended = false;
  void run.exited.then(() => (ended = true));
  // Lines that don't come are missed by whoever compares them.
  await eventually(() => ended || run.stdout.length >= lines, { deadlineMs: 15_000, what: "its lines" }).catch(
    () => {},
  );
  const { code } = await run.stop();
  if (code !== 0) throw new Error(`${file} ended with ${code}:\n${run.output.join("\n")}`);
  return [...run.stdout];
}
