import { AgentService } from "@fleetwire/proto";
import { type Metadata, status as grpcStatus, type StatusObject } from "@grpc/grpc-js";
import type { ServerChannel } from "./server-address.ts";
import type { OpenStream } from "./stream.ts";

/** Streams over gRPC, each on a connection of its own. */
export function grpcStreams({ target, credentials, options }: ServerChannel): OpenStream {
  return (events) => {
    const client = new AgentService(target, credentials, options);
    const call = client.connect();
    let over = false;
    const end = (status: Partial<StatusObject>): void => {
      if (over) return;
      over = true;
      client.close();
      events.ended({
        status: grpcStatus[status.code ?? grpcStatus.UNKNOWN] ?? "UNKNOWN",
        code: codeOf(status.metadata),
        details: status.details ?? "",
      });
    };
    call.on("data", (message) => {
      if (!over) events.message(message);
    });
    call.on("drain", () => events.drained());
    call.on("status", end);
    // A broken stream says `error` and `status`, a dead peer sometimes only `close`: the first to come counts.
    call.on("error", (error: Partial<StatusObject>) => end(error));
    call.on("close", () => end({ code: grpcStatus.UNAVAILABLE, details: "closed" }));
    return {
      write: (message) => call.write(message),
      end: () => call.end(),
      cancel: () => call.cancel(),
    };
  };
}

/** The product's own code of an error, from the trailing metadata; empty where there is none. */
export function codeOf(metadata: Metadata | undefined): string {
  const value = metadata?.get("fleetwire-code")[0];
  return value === undefined ? "" : value.toString();
}
