// Drives the bare echo server: one frame in flight on each of `streams` streams, for `messages` round trips in all.
import { credentials } from "@grpc/grpc-js";
import { AgentService, type ServerMessage } from "@fleetwire/proto";
import { serveParent } from "../children.ts";
import { quantile } from "../report.ts";

export interface EchoRequest {
  port: number;
  streams: number;
  messages: number;
  /** Between an answer and the next frame of its stream; 0: none. */
  pauseMs: number;
}

export interface EchoAnswer {
  perSecond: number;
  p50Ms: number;
}

async function echo({ port, streams, messages, pauseMs }: EchoRequest): Promise<EchoAnswer> {
  const clients = Array.from(
    { length: streams },
    () =>
      new AgentService(`127.0.0.1:${port}`, credentials.createInsecure(), {
        "grpc.use_local_subchannel_pool": 1,
        "grpc.enable_retries": 0,
      }),
  );
  const calls = clients.map((client) => client.connect());
  const times: number[] = [];
  let left = messages;
  const began = performance.now();
  await Promise.all(
    calls.map(
      (call) =>
        new Promise<void>((resolve, reject) => {
          let sent = 0;
          const next = (): void => {
            if (left-- <= 0) return resolve();
            sent = performance.now();
            call.write({ heartbeat: { sequence: 1 } });
          };
          call.on("data", (_frame: ServerMessage) => {
            times.push(performance.now() - sent);
            if (pauseMs === 0) next();
            else setTimeout(next, pauseMs);
          });
          call.on("error", reject);
          next();
        }),
    ),
  );
  const seconds = (performance.now() - began) / 1000;
  for (const call of calls) call.end();
  for (const client of clients) client.close();
  return { perSecond: messages / seconds, p50Ms: quantile(times, 0.5) };
}

await serveParent(echo);
process.exit(0);
