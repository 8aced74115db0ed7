import { once } from "node:events";
import { createConnection } from "node:net";

const answerDeadlineMs = 5_000;
const methodFrame = 1;
const connectionStart = [0, 10, 0, 10];

/**
 * Whether a broker answers AMQP 0-9-1's greeting with its first frame, Connection.Start.
 *
 * @throws Error that of the connection, or after 5 s without an answer.
 */
export async function greets(host: string, port: number): Promise<boolean> {
  const signal = AbortSignal.timeout(answerDeadlineMs);
  const socket = createConnection({ host, port });
  try {
    await once(socket, "connect", { signal });
    socket.write(Buffer.from("AMQP\0\0\u0009\u0001", "latin1"));
    const [answer] = (await once(socket, "data", { signal })) as [Buffer];
    // Type, channel (2), size (4), class (2), method (2).
    return answer[0] === methodFrame && connectionStart.every((byte, at) => answer[7 + at] === byte);
  } finally {
    socket.destroy();
  }
}
