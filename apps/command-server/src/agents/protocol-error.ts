/** A frame that breaks the contract of agent.proto. The message is told to the agent and recorded as the reason. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ProtocolError";
  }
}
