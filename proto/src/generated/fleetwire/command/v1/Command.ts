// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { ArgsInput as _fleetwire_command_v1_ArgsInput, Args as _fleetwire_command_v1_Args } from '../../../fleetwire/command/v1/Args.ts';
import type { CommandStatusInput as _fleetwire_command_v1_CommandStatusInput, CommandStatus as _fleetwire_command_v1_CommandStatus } from '../../../fleetwire/command/v1/CommandStatus.ts';
import type { TimestampInput as _google_protobuf_TimestampInput, Timestamp as _google_protobuf_Timestamp } from '../../../google/protobuf/Timestamp.ts';
import type { CommandResultInput as _fleetwire_command_v1_CommandResultInput, CommandResult as _fleetwire_command_v1_CommandResult } from '../../../fleetwire/command/v1/CommandResult.ts';

export interface CommandInput {
  'commandId'?: (string);
  'agentId'?: (string);
  'type'?: (string);
  'command'?: (string);
  'args'?: (_fleetwire_command_v1_ArgsInput | null);
  'parametersJson'?: (string);
  'timeoutSeconds'?: (number);
  'priority'?: (number);
  'idempotent'?: (boolean);
  'status'?: (_fleetwire_command_v1_CommandStatusInput);
  'attempt'?: (number);
  'queuedAt'?: (_google_protobuf_TimestampInput | null);
  'assignedAt'?: (_google_protobuf_TimestampInput | null);
  'startedAt'?: (_google_protobuf_TimestampInput | null);
  'finishedAt'?: (_google_protobuf_TimestampInput | null);
  'expiresAt'?: (_google_protobuf_TimestampInput | null);
  'cancelRequestedAt'?: (_google_protobuf_TimestampInput | null);
  /**
   * Set in terminal states.
   */
  'result'?: (_fleetwire_command_v1_CommandResultInput | null);
  /**
   * An answer that came after the terminal state.
   */
  'lateResult'?: (_fleetwire_command_v1_CommandResultInput | null);
  /**
   * The rollout that it is part of; empty: none.
   */
  'rolloutId'?: (string);
  '_args'?: "args";
}

export interface Command {
  'commandId': (string);
  'agentId': (string);
  'type': (string);
  'command': (string);
  'args'?: (_fleetwire_command_v1_Args | null);
  'parametersJson': (string);
  'timeoutSeconds': (number);
  'priority': (number);
  'idempotent': (boolean);
  'status': (_fleetwire_command_v1_CommandStatus);
  'attempt': (number);
  'queuedAt': (_google_protobuf_Timestamp | null);
  'assignedAt': (_google_protobuf_Timestamp | null);
  'startedAt': (_google_protobuf_Timestamp | null);
  'finishedAt': (_google_protobuf_Timestamp | null);
  'expiresAt': (_google_protobuf_Timestamp | null);
  'cancelRequestedAt': (_google_protobuf_Timestamp | null);
  /**
   * Set in terminal states.
   */
  'result': (_fleetwire_command_v1_CommandResult | null);
  /**
   * An answer that came after the terminal state.
   */
  'lateResult': (_fleetwire_command_v1_CommandResult | null);
  /**
   * The rollout that it is part of; empty: none.
   */
  'rolloutId': (string);
  '_args'?: "args";
}
