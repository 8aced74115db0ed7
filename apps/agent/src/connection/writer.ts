import type { AgentMessageInput } from "@fleetwire/proto";
import type { ServerStream } from "./stream.ts";

export interface Writer {
  /**
   * Hands the message to the stream when those before it are on their way. A producer that awaits each message before
   * it makes the next has at most one waiting, which bounds the memory of a slow stream.
   * Resolves to false when the stream ended first.
   */
  send(message: AgentMessageInput): Promise<boolean>;
  drained(): void;
  /** Gives up what waits. */
  close(): void;
}

/** Writes in order, and only while the stream has room. */
export function createWriter(stream: Pick<ServerStream, "write">): Writer {
  let waiting: { message: AgentMessageInput; sent: (sent: boolean) => void }[] = [];
  let hasRoom = true;
  let open = true;

  function flush(): void {
    let written = 0;
    for (const { message, sent } of waiting) {
      if (!open || !hasRoom) break;
      written += 1;
      hasRoom = stream.write(message);
      sent(true);
    }
    waiting.splice(0, written);
  }

  return {
    send(message) {
      if (!open) return Promise.resolve(false);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      waiting.push({ message, sent: resolve });
      flush();
      return promise;
    },
    drained() {
      hasRoom = true;
      flush();
    },
    close() {
      open = false;
      for (const { sent } of waiting) sent(false);
      waiting = [];
    },
  };
}
