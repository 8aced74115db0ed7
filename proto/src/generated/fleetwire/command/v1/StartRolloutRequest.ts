// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { AgentSelectorInput as _fleetwire_command_v1_AgentSelectorInput, AgentSelector as _fleetwire_command_v1_AgentSelector } from '../../../fleetwire/command/v1/AgentSelector.ts';
import type { ArgsInput as _fleetwire_command_v1_ArgsInput, Args as _fleetwire_command_v1_Args } from '../../../fleetwire/command/v1/Args.ts';
import type { TimestampInput as _google_protobuf_TimestampInput, Timestamp as _google_protobuf_Timestamp } from '../../../google/protobuf/Timestamp.ts';
import type { RetryInput as _fleetwire_command_v1_RetryInput, Retry as _fleetwire_command_v1_Retry } from '../../../fleetwire/command/v1/Retry.ts';
import type { RolloutPickInput as _fleetwire_command_v1_RolloutPickInput, RolloutPick as _fleetwire_command_v1_RolloutPick } from '../../../fleetwire/command/v1/RolloutPick.ts';

/**
 * The fields that QueueCommandRequest has too mean the same here, for each command.
 */
export interface StartRolloutRequestInput {
  /**
   * Needed.
   */
  'selector'?: (_fleetwire_command_v1_AgentSelectorInput | null);
  'type'?: (string);
  'command'?: (string);
  'args'?: (_fleetwire_command_v1_ArgsInput | null);
  'parametersJson'?: (string);
  'timeoutSeconds'?: (number);
  'priority'?: (number);
  /**
   * The same key and request again start nothing new.
   */
  'idempotencyKey'?: (string);
  'idempotent'?: (boolean);
  'expiresAt'?: (_google_protobuf_TimestampInput | null);
  'retry'?: (_fleetwire_command_v1_RetryInput | null);
  /**
   * Most commands that are queued or running at a time; 0: no bound.
   */
  'maxConcurrency'?: (number);
  /**
   * Halt at more errors than this; absent: never. Commands that ran and failed or timed out are errors; what was never
   * delivered isn't.
   */
  'maxErrors'?: (number);
  'pick'?: (_fleetwire_command_v1_RolloutPickInput);
  /**
   * Only say whom it would reach.
   */
  'dryRun'?: (boolean);
  '_args'?: "args";
  '_priority'?: "priority";
  '_maxErrors'?: "maxErrors";
}

/**
 * The fields that QueueCommandRequest has too mean the same here, for each command.
 */
export interface StartRolloutRequest {
  /**
   * Needed.
   */
  'selector': (_fleetwire_command_v1_AgentSelector | null);
  'type': (string);
  'command': (string);
  'args'?: (_fleetwire_command_v1_Args | null);
  'parametersJson': (string);
  'timeoutSeconds': (number);
  'priority'?: (number);
  /**
   * The same key and request again start nothing new.
   */
  'idempotencyKey': (string);
  'idempotent': (boolean);
  'expiresAt': (_google_protobuf_Timestamp | null);
  'retry': (_fleetwire_command_v1_Retry | null);
  /**
   * Most commands that are queued or running at a time; 0: no bound.
   */
  'maxConcurrency': (number);
  /**
   * Halt at more errors than this; absent: never. Commands that ran and failed or timed out are errors; what was never
   * delivered isn't.
   */
  'maxErrors'?: (number);
  'pick': (_fleetwire_command_v1_RolloutPick);
  /**
   * Only say whom it would reach.
   */
  'dryRun': (boolean);
  '_args'?: "args";
  '_priority'?: "priority";
  '_maxErrors'?: "maxErrors";
}
