// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

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
  '_exitCode'?: "exitCode";
}
