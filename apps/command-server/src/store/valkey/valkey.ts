import type { Redis } from "ioredis";
import type { StoreSettings } from "../settings.ts";
import { mustBeReady } from "./connection.ts";
import { toStoreError } from "./errors.ts";
import { createKeys, type Keys } from "./keys.ts";
import { composeScript, type ReadyScript, type Script } from "./script.ts";

export type Argument = string | number | Buffer;

/** How this store speaks to Valkey: scripts, a few reads, and errors as callers of the store know them. */
export interface Valkey {
  readonly keys: Keys;
  readonly prefix: string;
  /** Runs one step. Rejects with `store_unavailable` or `store_full`; then it may have run or not, where it was sent. */
  run<T>(script: Script, ...args: readonly Argument[]): Promise<T>;
  /** The same with any number of arguments. */
  runAll<T>(script: Script, args: readonly Argument[]): Promise<T>;
  /** The same with bytes instead of text in the answer. */
  runBuffer<T>(script: Script, ...args: readonly Argument[]): Promise<T>;
  /** A plain command, such as MGET. */
  command<T>(name: string, ...args: readonly Argument[]): Promise<T>;
  commandBuffer<T>(name: string, ...args: readonly Argument[]): Promise<T>;
}

export function createValkey(redis: Redis, prefix: string, settings: StoreSettings): Valkey {
  const ready = new Map<Script, ReadyScript>();
  const composed = (script: Script): ReadyScript => {
    const known = ready.get(script) ?? composeScript(script, settings);
    ready.set(script, known);
    return known;
  };

  async function evaluate<T>(call: Caller, script: Script, args: readonly Argument[]): Promise<T> {
    const { sha, text } = composed(script);
    try {
      mustBeReady(redis);
      gather();
      return (await call("EVALSHA", [sha, 1, prefix, ...args])) as T;
    } catch (error) {
      // A server that was restarted, or took over, doesn't know it yet.
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw toStoreError(error);
    }
    try {
      return (await call("EVAL", [text, 1, prefix, ...args])) as T;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  async function plain<T>(call: Caller, name: string, args: readonly Argument[]): Promise<T> {
    try {
      mustBeReady(redis);
      gather();
      return (await call(name, [...args])) as T;
    } catch (error) {
      throw toStoreError(error);
    }
  }

  // What is called in one turn of the event loop goes out in one write: under load, most of the cost of a call.
  let gathering = false;
  function gather(): void {
    if (gathering) return;
    gathering = true;
    const { stream } = redis;
    stream.cork();
    setImmediate(() => {
      gathering = false;
      stream.uncork();
    });
  }

  const text: Caller = (name, args) => redis.call(name, args);
  const bytes: Caller = (name, args) => redis.callBuffer(name, args);
  return {
    keys: createKeys(prefix),
    prefix,
    run: (script, ...args) => evaluate(text, script, args),
    runAll: (script, args) => evaluate(text, script, args),
    runBuffer: (script, ...args) => evaluate(bytes, script, args),
    command: (name, ...args) => plain(text, name, args),
    commandBuffer: (name, ...args) => plain(bytes, name, args),
  };
}

type Caller = (name: string, args: Argument[]) => Promise<unknown>;
