const longestResult = 65_536;

/** What a text couldn't be resolved for; the message names the variable, never a value. */
export class InterpolationError extends Error {
  override readonly name = "InterpolationError";
}

/**
 * The text with each `${NAME}` and `${NAME:-default}` replaced by the environment variable, or by the default where
 * it is unset or empty. A default, and a variable's value, may hold references again. `$${` is a plain `${`.
 *
 * Throws InterpolationError for a variable that is unset without a default, for references in a circle, for a `${`
 * that isn't closed, and for a result above 65,536 characters.
 */
export function interpolate(text: string, env: Readonly<Record<string, string | undefined>>): string {
  return expand(text, env, []);
}

function expand(text: string, env: Readonly<Record<string, string | undefined>>, open: readonly string[]): string {
  let result = "";
  let at = 0;
  while (at < text.length) {
    const next = text.indexOf("${", at);
    if (next === -1) return bounded(result + text.slice(at));
    if (next > at && text[next - 1] === "$") {
      result += `${text.slice(at, next - 1)}\${`;
      at = next + 2;
      continue;
    }
    const end = closingBrace(text, next + 2);
    result = bounded(result + text.slice(at, next) + resolve(text.slice(next + 2, end), env, open));
    at = end + 1;
  }
  return result;
}

function resolve(
  reference: string,
  env: Readonly<Record<string, string | undefined>>,
  open: readonly string[],
): string {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/.exec(reference);
  const name = match?.[1];
  if (name === undefined) throw new InterpolationError("expected ${NAME} or ${NAME:-default}");
  if (open.includes(name)) throw new InterpolationError(`references in a circle: ${[...open, name].join(" → ")}`);
  const value = Object.hasOwn(env, name) ? env[name] : undefined;
  if (value !== undefined && value !== "") return expand(value, env, [...open, name]);
  const fallback = match?.[2];
  if (fallback === undefined) throw new InterpolationError(`the environment variable ${name} is not set`);
  return expand(fallback, env, [...open, name]);
}

/** The brace that closes the reference; those of references inside its default are counted. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    if (text.startsWith("${", at)) depth += 1;
    else if (text[at] === "}") depth -= 1;
    if (depth === 0) return at;
  }
  throw new InterpolationError("a ${ is not closed by }");
}

function bounded(text: string): string {
  if (text.length > longestResult)
    throw new InterpolationError(`the result is longer than ${longestResult} characters`);
  return text;
}
