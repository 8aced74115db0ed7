import { connect } from "node:net";
import type { ValkeyRecord } from "./files.ts";

const answerMs = 2_000;

/** Whether the server takes the password and answers PING; one that still loads its data doesn't. Never rejects. */
export function answers({ port, password }: ValkeyRecord): Promise<boolean> {
  return new Promise((resolve) => {
    let received = "";
    const socket = connect({ host: "127.0.0.1", port, timeout: answerMs });
    const end = (ready: boolean) => {
      socket.destroy();
      resolve(ready);
    };
    socket.setEncoding("utf8");
    socket.write(`AUTH ${password}\r\nPING\r\n`);
    socket.on("data", (text) => {
      received += text;
      if (received.includes("+PONG")) end(true);
      else if (received.includes("-")) end(false);
    });
    socket.on("timeout", () => end(false));
    socket.on("error", () => end(false));
    socket.on("close", () => end(false));
  });
}
