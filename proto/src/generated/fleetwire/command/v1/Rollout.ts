// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { RolloutStatusInput as _fleetwire_command_v1_RolloutStatusInput, RolloutStatus as _fleetwire_command_v1_RolloutStatus } from '../../../fleetwire/command/v1/RolloutStatus.ts';
import type { RolloutCountsInput as _fleetwire_command_v1_RolloutCountsInput, RolloutCounts as _fleetwire_command_v1_RolloutCounts } from '../../../fleetwire/command/v1/RolloutCounts.ts';
import type { AgentSelectorInput as _fleetwire_command_v1_AgentSelectorInput, AgentSelector as _fleetwire_command_v1_AgentSelector } from '../../../fleetwire/command/v1/AgentSelector.ts';
import type { ArgsInput as _fleetwire_command_v1_ArgsInput, Args as _fleetwire_command_v1_Args } from '../../../fleetwire/command/v1/Args.ts';
import type { TimestampInput as _google_protobuf_TimestampInput, Timestamp as _google_protobuf_Timestamp } from '../../../google/protobuf/Timestamp.ts';
import type { RetryInput as _fleetwire_command_v1_RetryInput, Retry as _fleetwire_command_v1_Retry } from '../../../fleetwire/command/v1/Retry.ts';

export interface RolloutInput {
  'rolloutId'?: (string);
  'status'?: (_fleetwire_command_v1_RolloutStatusInput);
  'counts'?: (_fleetwire_command_v1_RolloutCountsInput | null);
  /**
   * Whom it was asked for.
   */
  'selector'?: (_fleetwire_command_v1_AgentSelectorInput | null);
  'type'?: (string);
  'command'?: (string);
  'args'?: (_fleetwire_command_v1_ArgsInput | null);
  'parametersJson'?: (string);
  'timeoutSeconds'?: (number);
  'priority'?: (number);
  'idempotent'?: (boolean);
  /**
   * Absent: 24 hours from when each command is queued.
   */
  'expiresAt'?: (_google_protobuf_TimestampInput | null);
  'retry'?: (_fleetwire_command_v1_RetryInput | null);
  'maxConcurrency'?: (number);
  'maxErrors'?: (number);
  /**
   * Agents that were selected and can't do it: no targets.
   */
  'unable'?: (number);
  /**
   * The rollout whose failed targets these are; empty: none.
   */
  'retryOf'?: (string);
  /**
   * Who asked for it, `kind:id`.
   */
  'createdBy'?: (string);
  'createdAt'?: (_google_protobuf_TimestampInput | null);
  /**
   * When it was over; what its agents ran may have gone on.
   */
  'finishedAt'?: (_google_protobuf_TimestampInput | null);
  '_args'?: "args";
  '_maxErrors'?: "maxErrors";
}

export interface Rollout {
  'rolloutId': (string);
  'status': (_fleetwire_command_v1_RolloutStatus);
  'counts': (_fleetwire_command_v1_RolloutCounts | null);
  /**
   * Whom it was asked for.
   */
  'selector': (_fleetwire_command_v1_AgentSelector | null);
  'type': (string);
  'command': (string);
  'args'?: (_fleetwire_command_v1_Args | null);
  'parametersJson': (string);
  'timeoutSeconds': (number);
  'priority': (number);
  'idempotent': (boolean);
  /**
   * Absent: 24 hours from when each command is queued.
   */
  'expiresAt': (_google_protobuf_Timestamp | null);
  'retry': (_fleetwire_command_v1_Retry | null);
  'maxConcurrency': (number);
  'maxErrors'?: (number);
  /**
   * Agents that were selected and can't do it: no targets.
   */
  'unable': (number);
  /**
   * The rollout whose failed targets these are; empty: none.
   */
  'retryOf': (string);
  /**
   * Who asked for it, `kind:id`.
   */
  'createdBy': (string);
  'createdAt': (_google_protobuf_Timestamp | null);
  /**
   * When it was over; what its agents ran may have gone on.
   */
  'finishedAt': (_google_protobuf_Timestamp | null);
  '_args'?: "args";
  '_maxErrors'?: "maxErrors";
}
