// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { LeftProcessInput as _fleetwire_command_v1_LeftProcessInput, LeftProcess as _fleetwire_command_v1_LeftProcess } from '../../../fleetwire/command/v1/LeftProcess.ts';
import type { Long } from '@grpc/proto-loader';

export interface CommandResultInput {
  /**
   * Absent where nothing ran to an end.
   */
  'exitCode'?: (number);
  /**
   * Stored output: its first and last part where `truncated`.
   */
  'output'?: (Buffer | Uint8Array | string);
  'truncated'?: (boolean);
  /**
   * Length of the whole output, bytes.
   */
  'outputBytes'?: (number | string | Long);
  'error'?: (string);
  'errorMessage'?: (string);
  'durationMs'?: (number | string | Long);
  /**
   * Processes that the command had started and that ran on when it had ended, as far as the agent saw them; at most 20.
   */
  'leftRunning'?: (_fleetwire_command_v1_LeftProcessInput)[];
  '_exitCode'?: "exitCode";
}

export interface CommandResult {
  /**
   * Absent where nothing ran to an end.
   */
  'exitCode'?: (number);
  /**
   * Stored output: its first and last part where `truncated`.
   */
  'output': (Buffer);
  'truncated': (boolean);
  /**
   * Length of the whole output, bytes.
   */
  'outputBytes': (number);
  'error': (string);
  'errorMessage': (string);
  'durationMs': (number);
  /**
   * Processes that the command had started and that ran on when it had ended, as far as the agent saw them; at most 20.
   */
  'leftRunning': (_fleetwire_command_v1_LeftProcess)[];
  '_exitCode'?: "exitCode";
}
