import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import { isObject } from "../fields.ts";

/** Reads fields of an answer from outside: what isn't as expected is an error of the server, not a crash here. */
export class AnswerRecord {
  readonly json: Record<string, unknown>;

  constructor(json: unknown) {
    if (!isObject(json)) throw unexpected("an object", json);
    this.json = json;
  }

  text(name: string): string {
    return this.optionalText(name) ?? missing(name, "text");
  }

  optionalText(name: string): string | null {
    const value = this.json[name] ?? null;
    if (value === null || typeof value === "string") return value;
    throw unexpected(`text in "${name}"`, value);
  }

  number(name: string): number {
    return this.optionalNumber(name) ?? missing(name, "a number");
  }

  optionalNumber(name: string): number | null {
    const value = this.json[name] ?? null;
    if (value === null || typeof value === "number") return value;
    throw unexpected(`a number in "${name}"`, value);
  }

  /** A count; 0 where there is none. */
  count(name: string): number {
    const value = this.optionalNumber(name) ?? 0;
    // JSON knows 1e999.
    if (Number.isFinite(value) && value >= 0) return Math.floor(value);
    throw unexpected(`a count in "${name}"`, String(value));
  }

  flag(name: string): boolean {
    return this.json[name] === true;
  }

  optionalDate(name: string): Date | null {
    const text = this.optionalText(name);
    if (text === null) return null;
    const date = new Date(text);
    if (Number.isNaN(date.getTime())) throw unexpected(`an instant in "${name}"`, text);
    return date;
  }

  optionalRecord(name: string): AnswerRecord | null {
    const value = this.json[name] ?? null;
    return value === null ? null : new AnswerRecord(value);
  }

  /** Texts of a list; none where there is no list. */
  texts(name: string): string[] {
    if ((this.json[name] ?? null) === null) return [];
    return this.list(name).map((value) => {
      if (typeof value === "string") return value;
      throw unexpected(`text in "${name}"`, value);
    });
  }

  list(name: string): unknown[] {
    const value = this.json[name];
    if (!Array.isArray(value)) throw unexpected(`a list in "${name}"`, value);
    return value;
  }
}

function missing(name: string, what: string): never {
  throw unexpected(`${what} in "${name}"`, undefined);
}

function unexpected(what: string, got: unknown): CliFailure {
  const seen = JSON.stringify(got)?.slice(0, 80) ?? "nothing";
  return new CliFailure(exitCodes.unreachable, `the server's answer has ${seen} where ${what} belongs`, {
    hint: "is it a command-server of this version?",
  });
}
