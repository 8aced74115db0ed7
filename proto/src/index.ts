export { AgentService, CommandService, RolloutService, agentPackage, commandPackage } from "./load.ts";

export type { AgentServiceClient, AgentServiceHandlers } from "./generated/fleetwire/agent/v1/AgentService.ts";
export type { AgentMessage, AgentMessageInput } from "./generated/fleetwire/agent/v1/AgentMessage.ts";
export type { Assign, AssignInput } from "./generated/fleetwire/agent/v1/Assign.ts";
export type { Cancel, CancelInput } from "./generated/fleetwire/agent/v1/Cancel.ts";
export type { EnrollRequest, EnrollRequestInput } from "./generated/fleetwire/agent/v1/EnrollRequest.ts";
export type { EnrollResponse, EnrollResponseInput } from "./generated/fleetwire/agent/v1/EnrollResponse.ts";
export type { GoAway, GoAwayInput } from "./generated/fleetwire/agent/v1/GoAway.ts";
export type { GoAwayReason } from "./generated/fleetwire/agent/v1/GoAwayReason.ts";
export type { Held, HeldInput } from "./generated/fleetwire/agent/v1/Held.ts";
export type { Hello, HelloInput } from "./generated/fleetwire/agent/v1/Hello.ts";
export type { Heartbeat, HeartbeatInput } from "./generated/fleetwire/agent/v1/Heartbeat.ts";
export type { Outcome } from "./generated/fleetwire/agent/v1/Outcome.ts";
export type { OutputAck, OutputAckInput } from "./generated/fleetwire/agent/v1/OutputAck.ts";
export type { OutputChunk, OutputChunkInput } from "./generated/fleetwire/agent/v1/OutputChunk.ts";
export type { Profile, ProfileInput } from "./generated/fleetwire/agent/v1/Profile.ts";
export type { RefusalReason } from "./generated/fleetwire/agent/v1/RefusalReason.ts";
export type { Refused, RefusedInput } from "./generated/fleetwire/agent/v1/Refused.ts";
export type { Result, ResultInput } from "./generated/fleetwire/agent/v1/Result.ts";
export type { ResultAck, ResultAckInput } from "./generated/fleetwire/agent/v1/ResultAck.ts";
export type { ServerMessage, ServerMessageInput } from "./generated/fleetwire/agent/v1/ServerMessage.ts";
export type { Started, StartedInput } from "./generated/fleetwire/agent/v1/Started.ts";
export type { Stream } from "./generated/fleetwire/agent/v1/Stream.ts";
export type { Welcome, WelcomeInput } from "./generated/fleetwire/agent/v1/Welcome.ts";

export type { CommandServiceClient, CommandServiceHandlers } from "./generated/fleetwire/command/v1/CommandService.ts";
export type { Command, CommandInput } from "./generated/fleetwire/command/v1/Command.ts";
export type { CommandStatus } from "./generated/fleetwire/command/v1/CommandStatus.ts";
export type {
  QueueCommandRequest,
  QueueCommandRequestInput,
} from "./generated/fleetwire/command/v1/QueueCommandRequest.ts";
export type {
  WatchCommandResponse,
  WatchCommandResponseInput,
} from "./generated/fleetwire/command/v1/WatchCommandResponse.ts";

export type { RolloutServiceClient, RolloutServiceHandlers } from "./generated/fleetwire/command/v1/RolloutService.ts";
export type { RolloutInput } from "./generated/fleetwire/command/v1/Rollout.ts";
export type { RolloutStatus } from "./generated/fleetwire/command/v1/RolloutStatus.ts";
export type { StartRolloutResponseInput } from "./generated/fleetwire/command/v1/StartRolloutResponse.ts";
export type {
  WatchRolloutResponse,
  WatchRolloutResponseInput,
} from "./generated/fleetwire/command/v1/WatchRolloutResponse.ts";
