// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type { CommandStatusInput as _fleetwire_command_v1_CommandStatusInput, CommandStatus as _fleetwire_command_v1_CommandStatus } from '../../../fleetwire/command/v1/CommandStatus.ts';

export interface ListRolloutResultsRequestInput {
  'rolloutId'?: (string);
  'statuses'?: (_fleetwire_command_v1_CommandStatusInput)[];
  'exitCode'?: (number);
  'agentId'?: (string);
  /**
   * Only results in whose shown output this is.
   */
  'text'?: (string);
  /**
   * How much of each output is shown, and searched: at most 65536; absent: 4096.
   */
  'outputBytes'?: (number);
  /**
   * 1 to 500; 0: 50.
   */
  'limit'?: (number);
  'cursor'?: (string);
  '_exitCode'?: "exitCode";
  '_outputBytes'?: "outputBytes";
}

export interface ListRolloutResultsRequest {
  'rolloutId': (string);
  'statuses': (_fleetwire_command_v1_CommandStatus)[];
  'exitCode'?: (number);
  'agentId': (string);
  /**
   * Only results in whose shown output this is.
   */
  'text': (string);
  /**
   * How much of each output is shown, and searched: at most 65536; absent: 4096.
   */
  'outputBytes'?: (number);
  /**
   * 1 to 500; 0: 50.
   */
  'limit': (number);
  'cursor': (string);
  '_exitCode'?: "exitCode";
  '_outputBytes'?: "outputBytes";
}
