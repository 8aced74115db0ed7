import { ProtocolError } from "./protocol-error.ts";

/*
 * Checks of single fields. Ids and numbers that decide something are refused when they are wrong; words for people
 * are made storable instead: refusing them would make an agent send the same report for ever.
 */

// Leaves headroom above: epochs and counters go on from here, one by one, and stay safe integers.
const maxCounter = 2 ** 48;
const maxDurationMs = 2 ** 31 - 1;

const agentIdPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const commandIdPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,35}$/;
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function agentId(value: string): string {
  if (!agentIdPattern.test(value)) throw new ProtocolError("agent_id isn't 1 to 128 of [A-Za-z0-9._-]");
  return value;
}

export function commandId(value: string): string {
  if (!commandIdPattern.test(value)) throw new ProtocolError("command_id isn't an id");
  return value;
}

export function uuid(value: string, field: string): string {
  if (!uuidPattern.test(value)) throw new ProtocolError(`${field} isn't a UUID`);
  return value.toLowerCase();
}

/** A counter such as an epoch or assign_no. */
export function counter(value: number, field: string, min = 0): number {
  if (!Number.isSafeInteger(value) || value < min || value > maxCounter) {
    throw new ProtocolError(`${field} is out of range`);
  }
  return value;
}

/** Runs are counted from 1. */
export function attempt(value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > 1_000_000)
    throw new ProtocolError("attempt is out of range");
  return value;
}

/** A byte offset or length. */
export function bytes(value: number, field: string): number {
  if (!Number.isSafeInteger(value) || value < 0 || value > maxCounter)
    throw new ProtocolError(`${field} is out of range`);
  return value;
}

/** A duration in ms; what is longer than 24 days counts as that. */
export function duration(value: number, field: string): number {
  if (!(value >= 0)) throw new ProtocolError(`${field} is negative`);
  return Math.min(Math.round(value), maxDurationMs);
}

/** Words for people: cut, without NUL and lone surrogates, which no store takes. */
export function words(value: string, maxLength: number): string {
  return value.slice(0, maxLength).replaceAll("\0", "\u{fffd}").toWellFormed();
}

/** A member of a proto enum, as this service's own word for it. */
export function member<T>(table: Readonly<Record<string, T>>, value: string | number, field: string): T {
  const found = Object.hasOwn(table, value) ? table[value] : undefined;
  if (found === undefined) throw new ProtocolError(`${field} is missing or unknown`);
  return found;
}
