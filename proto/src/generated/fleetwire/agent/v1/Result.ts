// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { OutcomeInput as _fleetwire_agent_v1_OutcomeInput, Outcome as _fleetwire_agent_v1_Outcome } from '../../../fleetwire/agent/v1/Outcome.ts';
import type { OutputChunkInput as _fleetwire_agent_v1_OutputChunkInput, OutputChunk as _fleetwire_agent_v1_OutputChunk } from '../../../fleetwire/agent/v1/OutputChunk.ts';
import type { LeftProcessInput as _fleetwire_agent_v1_LeftProcessInput, LeftProcess as _fleetwire_agent_v1_LeftProcess } from '../../../fleetwire/agent/v1/LeftProcess.ts';
import type { Long } from '@grpc/proto-loader';

export interface ResultInput {
  'commandId'?: (string);
  'assignNo'?: (number | string | Long);
  'attempt'?: (number);
  'outcome'?: (_fleetwire_agent_v1_OutcomeInput);
  /**
   * 0–255; 128 + signal number where a signal ended it; -1 where nothing ran.
   */
  'exitCode'?: (number);
  /**
   * A code in snake_case: "interrupted", "not_allowed", "invalid_parameters", "unsupported_type", "spawn_failed", …;
   * empty where the exit code says it all.
   */
  'error'?: (string);
  /**
   * One line for a person; may be empty.
   */
  'errorMessage'?: (string);
  /**
   * How long it ran.
   */
  'durationMs'?: (number | string | Long);
  /**
   * Length of the whole output, dropped bytes included.
   */
  'outputBytes'?: (number | string | Long);
  /**
   * The end of the output, not yet sent as chunks; ordered by offset.
   */
  'tail'?: (_fleetwire_agent_v1_OutputChunkInput)[];
  'recorded'?: (boolean);
  /**
   * How long before this message it started (ms); lets the server date `startedAt` when Started was lost.
   */
  'startedAgoMs'?: (number | string | Long);
  /**
   * Processes that the command had started and that run on; at most 20. Empty also where the agent can't look.
   */
  'leftRunning'?: (_fleetwire_agent_v1_LeftProcessInput)[];
}

export interface Result {
  'commandId': (string);
  'assignNo': (number);
  'attempt': (number);
  'outcome': (_fleetwire_agent_v1_Outcome);
  /**
   * 0–255; 128 + signal number where a signal ended it; -1 where nothing ran.
   */
  'exitCode': (number);
  /**
   * A code in snake_case: "interrupted", "not_allowed", "invalid_parameters", "unsupported_type", "spawn_failed", …;
   * empty where the exit code says it all.
   */
  'error': (string);
  /**
   * One line for a person; may be empty.
   */
  'errorMessage': (string);
  /**
   * How long it ran.
   */
  'durationMs': (number);
  /**
   * Length of the whole output, dropped bytes included.
   */
  'outputBytes': (number);
  /**
   * The end of the output, not yet sent as chunks; ordered by offset.
   */
  'tail': (_fleetwire_agent_v1_OutputChunk)[];
  'recorded': (boolean);
  /**
   * How long before this message it started (ms); lets the server date `startedAt` when Started was lost.
   */
  'startedAgoMs': (number);
  /**
   * Processes that the command had started and that run on; at most 20. Empty also where the agent can't look.
   */
  'leftRunning': (_fleetwire_agent_v1_LeftProcess)[];
}
