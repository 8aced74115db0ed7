import { connect } from "node:http2";
import { makeGenericClientConstructor, credentials, status, type ServiceError } from "@grpc/grpc-js";
import * as fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApiServer, type ApiServer } from "./api-server.ts";

let api: ApiServer;

beforeAll(async () => {
  api = await startApiServer();
});
afterAll(() => api.close());

const bytes = {
  requestSerialize: (value: Buffer) => value,
  responseDeserialize: (value: Buffer) => value,
  requestDeserialize: (value: Buffer) => value,
  responseSerialize: (value: Buffer) => value,
};
const methods = [
  ...["QueueCommand", "GetCommand", "ListCommands", "CancelCommand"].map((name) => `CommandService/${name}`),
  ...["StartRollout", "GetRollout", "ListRollouts", "StopRollout", "RetryRollout", "ListRolloutResults"].map(
    (name) => `RolloutService/${name}`,
  ),
];

/** Lists commands as a client does that means no harm. */
function stillServes(): Promise<boolean> {
  return new Promise((resolve) => {
    api.grpc.listCommands({}, api.metadata(), (error) => resolve(error === null));
  });
}

test("whatever bytes a message is made of, it is refused or taken, and the server goes on", async () => {
  const Raw = makeGenericClientConstructor(
    Object.fromEntries(
      methods.map((name) => [
        name,
        { path: `/fleetwire.command.v1.${name}`, requestStream: false, responseStream: false, ...bytes },
      ]),
    ),
    "raw",
  );
  const client = new Raw(api.running.grpcAddress, credentials.createInsecure());
  const send = (method: string, message: Uint8Array) =>
    new Promise<string>((resolve) => {
      client[method]?.(Buffer.from(message), api.metadata(), (error: ServiceError | null) =>
        resolve(error ? `${status[error.code] ?? "?"} ${error.details}` : "OK"),
      );
    });
  // Tags of real fields before random bytes reach further than random bytes alone.
  const field = fc.tuple(
    fc.integer({ min: 1, max: 20 }),
    fc.integer({ min: 0, max: 5 }),
    fc.uint8Array({ maxLength: 20 }),
  );
  const message = fc
    .array(field, { maxLength: 4 })
    .map((fields) =>
      Buffer.concat(
        fields.map(([number, wire, content]) => Buffer.from([(number << 3) | wire, content.length, ...content])),
      ),
    );
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...methods), message, async (method, content) => {
      const answer = await send(method, content);
      // grpc-js itself answers INTERNAL to what isn't a message at all; ours never is.
      expect(answer).toMatch(/^(OK|INVALID_ARGUMENT|NOT_FOUND|FAILED_PRECONDITION|INTERNAL Error deserializing)/);
    }),
    { numRuns: 600 },
  );
  client.close();
  expect(await stillServes()).toBe(true);
  expect(api.log.filter((line) => line.includes("call failed"))).toEqual([]);
});

test("a flood of streams that are reset at once doesn't end the server", async () => {
  const session = connect(`http://${api.running.grpcAddress}`);
  session.on("error", () => {});
  const over = new Promise<void>((resolve) => session.once("close", resolve));
  for (let count = 0; count < 5_000 && !session.closed && !session.destroyed; count += 1) {
    const stream = session.request({
      ":method": "POST",
      ":path": "/fleetwire.command.v1.CommandService/WatchCommand",
      "content-type": "application/grpc",
      te: "trailers",
    });
    stream.on("error", () => {});
    stream.close(8);
  }
  session.destroy();
  await over;
  expect(await stillServes()).toBe(true);
});
