/** The properties of a value from outside, each of unknown type; none where it isn't an object. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return isObject(value) ? value : {};
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The code of an error of Node's or undici's. */
export function errorCode(error: unknown): string | null {
  const { code } = fieldsOf(error);
  return typeof code === "string" ? code : null;
}
