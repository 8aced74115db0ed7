/** A port that another process has. */
export class PortTakenError extends Error {
  override readonly name = "PortTakenError";
  readonly port: number;
  /** The environment variable that sets it. */
  readonly setting: string;

  constructor(port: number, setting: string, cause: unknown) {
    super(`Port ${port} (${setting}) is taken by another process: free it, or set ${setting} to another (0: any).`, {
      cause,
    });
    this.port = port;
    this.setting = setting;
  }
}

/** Runs `listen`; where the port is taken, its error says which and how to change it. */
export async function explainTakenPort<T>(setting: string, port: number, listen: () => Promise<T>): Promise<T> {
  try {
    return await listen();
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
      throw new PortTakenError(port, setting, error);
    throw error;
  }
}
