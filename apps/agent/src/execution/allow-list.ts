/**
 * Which SHELL commands this agent runs. Entries, one each:
 *
 * - Words separated by blanks. In a word, `*` stands for any characters; a last word `...` for any further words, or none.
 *   `systemctl status *` allows `systemctl status nginx`; `df ...` allows `df` and `df -h /`.
 * - A command given as a program with arguments is compared word by word, as given: `/usr/bin/df` isn't `df`, and an
 *   argument with a blank in it matches only a word with `*`.
 * - A line for the shell is compared in the same way when it has no shell syntax at all: its characters are letters,
 *   digits and `_ . / : = @ % + , -`, and its first word has no `=`. Any other line is allowed only by an entry that
 *   is the very same text: `df -h | sort` allows exactly that.
 *
 * An empty list allows nothing; no list allows everything.
 */
export interface AllowList {
  allowsLine(line: string): boolean;
  allowsProgram(program: string, args: readonly string[]): boolean;
}

export function createAllowList(entries: readonly string[]): AllowList {
  const lines = new Set(entries.map((entry) => entry.trim()).filter((entry) => entry !== ""));
  const patterns = [...lines].map(toPattern);
  const allowsWords = (words: readonly string[]): boolean => patterns.some((pattern) => matches(pattern, words));
  return {
    allowsLine: (line) => lines.has(line.trim()) || (isPlain(line) && allowsWords(line.trim().split(/[ \t]+/))),
    allowsProgram: (program, args) => allowsWords([program, ...args]),
  };
}

interface Pattern {
  words: readonly RegExp[];
  openEnded: boolean;
}

function toPattern(entry: string): Pattern {
  const words = entry.split(/\s+/).filter((word) => word !== "");
  const openEnded = words.at(-1) === "...";
  return { words: (openEnded ? words.slice(0, -1) : words).map(toExpression), openEnded };
}

function toExpression(word: string): RegExp {
  return new RegExp(`^${word.split("*").map(escape).join(".*")}$`, "s");
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function matches({ words: expected, openEnded }: Pattern, words: readonly string[]): boolean {
  if (expected.length === 0 || words.length < expected.length) return false;
  if (words.length > expected.length && !openEnded) return false;
  return expected.every((word, index) => word.test(words[index] ?? ""));
}

function isPlain(line: string): boolean {
  return /^[\w./:=@%+,\- \t]+$/.test(line) && !/^\s*\S*=/.test(line);
}
