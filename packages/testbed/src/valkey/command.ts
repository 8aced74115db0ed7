import { Redis } from "ioredis";

/** Where a server or a sentinel listens. */
export interface Address {
  host: string;
  port: number;
  password?: string | undefined;
}

// Longer than any command of a test blocks; without one, a paused server would hold this process for good.
const answerDeadlineMs = 30_000;

/**
 * Sends one command over a connection of its own and gives the answer in RESP2's shapes: strings, numbers, null, arrays.
 *
 * @throws Error the server's own (`ReplyError`), that of the connection, or after 30 s without an answer.
 */
export async function sendCommand(address: Address, ...args: readonly (string | number)[]): Promise<unknown> {
  const { host, port, password } = address;
  const [name, ...rest] = args.map(String);
  if (name === undefined) throw new Error("a command has a name");
  const connection = new Redis({
    host,
    port,
    ...(password === undefined ? {} : { password }),
    protocol: 2,
    lazyConnect: true,
    retryStrategy: () => null,
    // A server that loads its data has to say so: ioredis would wait instead.
    enableReadyCheck: false,
    disableClientInfo: true,
    connectTimeout: 10_000,
    commandTimeout: answerDeadlineMs,
  });
  connection.on("error", () => {}); // the awaited calls reject with it
  try {
    await connection.connect();
    return await connection.call(name, ...rest);
  } finally {
    connection.disconnect();
  }
}
