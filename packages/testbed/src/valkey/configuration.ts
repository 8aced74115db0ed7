/**
 * Text of a redis.conf. A value stands as in such a file (`save: "900 1 300 10"` are four arguments); an empty one
 * becomes `""`.
 */
export function configuration(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} ${value === "" ? '""' : value}\n`)
    .join("");
}

/** One argument, whatever it holds but line breaks. */
export function quoted(value: string): string {
  return `"${value.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}
