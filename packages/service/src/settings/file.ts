import { readFileSync, statSync } from "node:fs";
import { LineCounter, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, type Document, type Node } from "yaml";
import { InterpolationError, interpolate } from "./interpolation.ts";
import { didYouMean } from "./near-name.ts";
import type { RawValue } from "./spec.ts";

const largestFile = 262_144;
const mostAliases = 100;
const deepest = 32;

export interface FileValue {
  raw: RawValue;
  /** `configs/x.yaml:12`. */
  where: string;
}

export interface FileContent {
  /** By dotted path. */
  values: Map<string, FileValue>;
  /** One sentence each. */
  problems: string[];
}

/**
 * Reads a YAML file of settings. `known` are the dotted paths that it may have; any other is a problem, told with the
 * nearest known one. Texts are interpolated from `env`. Numbers and booleans are given as they are written. Never
 * throws; reads at most 256 KiB, 100 aliases and 32 levels.
 */
export function readSettingsFile(
  path: string,
  known: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): FileContent {
  const content: FileContent = { values: new Map(), problems: [] };
  const text = readText(path, content);
  if (text === null) return content;
  const lines = new LineCounter();
  const document = parseYaml(text, lines, path, content);
  if (document === null) return content;
  new SettingsWalk(path, known, env, lines, document, content).map(document.contents, "", 0);
  return content;
}

function readText(path: string, content: FileContent): string | null {
  try {
    if (statSync(path).size > largestFile) {
      content.problems.push(`${path}: larger than 256 KiB`);
      return null;
    }
    return readFileSync(path, "utf8");
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    content.problems.push(`${path}: can't be read (${code})`);
    return null;
  }
}

function parseYaml(text: string, lines: LineCounter, path: string, content: FileContent): Document.Parsed | null {
  try {
    const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
    for (const error of [...document.errors, ...document.warnings]) {
      content.problems.push(`${path}:${lines.linePos(error.pos[0]).line}: ${error.message}`);
    }
    return document.errors.length > 0 ? null : document;
  } catch {
    // The parser recurses: thousands of levels overflow its stack.
    content.problems.push(`${path}: can't be read as YAML`);
    return null;
  }
}

class SettingsWalk {
  readonly #path: string;
  readonly #known: readonly string[];
  readonly #env: Readonly<Record<string, string | undefined>>;
  readonly #lines: LineCounter;
  readonly #document: Document.Parsed;
  readonly #content: FileContent;
  #aliases = 0;

  constructor(
    path: string,
    known: readonly string[],
    env: Readonly<Record<string, string | undefined>>,
    lines: LineCounter,
    document: Document.Parsed,
    content: FileContent,
  ) {
    this.#path = path;
    this.#known = known;
    this.#env = env;
    this.#lines = lines;
    this.#document = document;
    this.#content = content;
  }

  map(found: unknown, prefix: string, depth: number): void {
    const node = this.#target(found, prefix);
    if (node === null || (isScalar(node) && node.value === null)) return;
    if (!isMap(node)) {
      this.#problem(node, prefix, "expected settings by name");
      return;
    }
    if (depth > deepest) {
      this.#problem(node, prefix, `more than ${deepest} levels`);
      return;
    }
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? String(key.value) : "";
      const dotted = prefix === "" ? name : `${prefix}.${name}`;
      this.#entry(isScalar(key) ? key : node, dotted, value, depth);
    }
  }

  #entry(key: Node, dotted: string, value: unknown, depth: number): void {
    if (this.#known.includes(dotted)) {
      this.#value(key, dotted, value);
    } else if (this.#known.some((path) => path.startsWith(`${dotted}.`))) {
      this.map(value, dotted, depth + 1);
    } else {
      this.#problem(key, dotted, `no such setting${didYouMean(dotted, this.#known)}`);
    }
  }

  #value(key: Node, dotted: string, found: unknown): void {
    const node = this.#target(found, dotted);
    if (node === null || (isScalar(node) && node.value === null)) return;
    const items = isSeq(node) ? node.items.map((item) => this.#target(item, dotted)) : [node];
    if (!items.every((item) => isScalar(item))) {
      this.#problem(key, dotted, "expected one value or a list of values");
      return;
    }
    try {
      const texts = items.map((item) => this.#text(item));
      this.#content.values.set(dotted, { raw: isSeq(node) ? texts : (texts[0] ?? ""), where: this.#where(key) });
    } catch (error) {
      if (!(error instanceof InterpolationError)) throw error;
      this.#problem(key, dotted, error.message);
    }
  }

  /** As written where it isn't a text: `0644` and `1e3` are for the setting to judge, not for YAML. */
  #text(node: { value: unknown; source?: string }): string {
    return interpolate(typeof node.value === "string" ? node.value : (node.source ?? String(node.value)), this.#env);
  }

  /** The node itself, or what an alias stands for; null when there is nothing. */
  #target(found: unknown, dotted: string): Node | null {
    if (!isAlias(found)) return isNode(found) ? found : null;
    this.#aliases += 1;
    if (this.#aliases > mostAliases) {
      if (this.#aliases === mostAliases + 1) this.#problem(found, dotted, `more than ${mostAliases} aliases`);
      return null;
    }
    const target = found.resolve(this.#document);
    if (target === undefined) this.#problem(found, dotted, `*${found.source} stands for nothing before it`);
    return target ?? null;
  }

  #where(node: Node): string {
    return `${this.#path}:${this.#lines.linePos(node.range?.[0] ?? 0).line}`;
  }

  #problem(node: Node, dotted: string, sentence: string): void {
    this.#content.problems.push(`${this.#where(node)}: ${dotted === "" ? "" : `${dotted}: `}${sentence}`);
  }
}
