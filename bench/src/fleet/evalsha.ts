// The ceiling of the Valkey store: a bare script that writes a hash and a stream entry, from one connection.
import { Redis } from "ioredis";
import { serveParent } from "../children.ts";
import { quantile } from "../report.ts";

export interface EvalshaRequest {
  url: string;
  calls: number;
  /** On their way at once. */
  concurrency: number;
}

export interface EvalshaAnswer {
  perSecond: number;
  p50Ms: number;
}

const script = `redis.call('HSET', KEYS[1], 'a', ARGV[1], 'b', ARGV[2])
return redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'd', ARGV[2])`;

async function evaluate({ url, calls, concurrency }: EvalshaRequest): Promise<EvalshaAnswer> {
  const redis = new Redis(url);
  const sha = String(await redis.script("LOAD", script));
  const payload = "x".repeat(512);
  const times: number[] = [];
  let next = 0;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (next < calls) {
      const call = next++;
      const sent = performance.now();
      await redis.evalsha(sha, 2, `bench:hash:${call % 1000}`, "bench:stream", call, payload);
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  const seconds = (performance.now() - began) / 1000;
  redis.disconnect();
  return { perSecond: calls / seconds, p50Ms: quantile(times, 0.5) };
}

await serveParent(evaluate);
process.exit(0);
