// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { ArgsInput as _fleetwire_command_v1_ArgsInput, Args as _fleetwire_command_v1_Args } from '../../../fleetwire/command/v1/Args.ts';
import type { TimestampInput as _google_protobuf_TimestampInput, Timestamp as _google_protobuf_Timestamp } from '../../../google/protobuf/Timestamp.ts';
import type { RetryInput as _fleetwire_command_v1_RetryInput, Retry as _fleetwire_command_v1_Retry } from '../../../fleetwire/command/v1/Retry.ts';

export interface QueueCommandRequestInput {
  'agentId'?: (string);
  /**
   * Default "SHELL".
   */
  'type'?: (string);
  'command'?: (string);
  /**
   * Absent: `command` goes to the agent's shell. Present, even with no values: `command` is a program, run without one.
   */
  'args'?: (_fleetwire_command_v1_ArgsInput | null);
  /**
   * A JSON object; empty: {}.
   */
  'parametersJson'?: (string);
  /**
   * From the start of execution; 0: the default, 300.
   */
  'timeoutSeconds'?: (number);
  /**
   * 0–10, higher is sooner; absent: 6.
   */
  'priority'?: (number);
  'idempotencyKey'?: (string);
  'idempotent'?: (boolean);
  /**
   * Absent: 24 hours from now.
   */
  'expiresAt'?: (_google_protobuf_TimestampInput | null);
  /**
   * Store it even if no such agent has enrolled yet.
   */
  'allowUnknownAgent'?: (boolean);
  /**
   * Absent: never run again once started.
   */
  'retry'?: (_fleetwire_command_v1_RetryInput | null);
  '_args'?: "args";
  '_priority'?: "priority";
}

export interface QueueCommandRequest {
  'agentId': (string);
  /**
   * Default "SHELL".
   */
  'type': (string);
  'command': (string);
  /**
   * Absent: `command` goes to the agent's shell. Present, even with no values: `command` is a program, run without one.
   */
  'args'?: (_fleetwire_command_v1_Args | null);
  /**
   * A JSON object; empty: {}.
   */
  'parametersJson': (string);
  /**
   * From the start of execution; 0: the default, 300.
   */
  'timeoutSeconds': (number);
  /**
   * 0–10, higher is sooner; absent: 6.
   */
  'priority'?: (number);
  'idempotencyKey': (string);
  'idempotent': (boolean);
  /**
   * Absent: 24 hours from now.
   */
  'expiresAt': (_google_protobuf_Timestamp | null);
  /**
   * Store it even if no such agent has enrolled yet.
   */
  'allowUnknownAgent': (boolean);
  /**
   * Absent: never run again once started.
   */
  'retry': (_fleetwire_command_v1_Retry | null);
  '_args'?: "args";
  '_priority'?: "priority";
}
