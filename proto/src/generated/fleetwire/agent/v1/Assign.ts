// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

export interface AssignInput {
  'commandId'?: (string);
  /**
   * Per agent, rising by 1 with every assignment.
   */
  'assignNo'?: (number | string | Long);
  'epoch'?: (number | string | Long);
  /**
   * Starts at 1.
   */
  'attempt'?: (number);
  'type'?: (string);
  /**
   * For SHELL: a line for the shell where `args` is empty, else the program.
   */
  'command'?: (string);
  /**
   * True: run `command` with `args` as argv, without a shell, even when `args` is empty.
   */
  'hasArgs'?: (boolean);
  'args'?: (string)[];
  'parametersJson'?: (string);
  /**
   * Counted from the start of execution; the agent enforces it.
   */
  'timeoutMs'?: (number | string | Long);
  /**
   * What is left of the time in which it may start; after that the agent refuses it.
   */
  'startWindowMs'?: (number | string | Long);
  /**
   * Running it twice does no harm: the agent may skip its ledger.
   */
  'idempotent'?: (boolean);
  /**
   * W3C trace context of the request that queued it; may be empty.
   */
  'traceparent'?: (string);
}

export interface Assign {
  'commandId': (string);
  /**
   * Per agent, rising by 1 with every assignment.
   */
  'assignNo': (number);
  'epoch': (number);
  /**
   * Starts at 1.
   */
  'attempt': (number);
  'type': (string);
  /**
   * For SHELL: a line for the shell where `args` is empty, else the program.
   */
  'command': (string);
  /**
   * True: run `command` with `args` as argv, without a shell, even when `args` is empty.
   */
  'hasArgs': (boolean);
  'args': (string)[];
  'parametersJson': (string);
  /**
   * Counted from the start of execution; the agent enforces it.
   */
  'timeoutMs': (number);
  /**
   * What is left of the time in which it may start; after that the agent refuses it.
   */
  'startWindowMs': (number);
  /**
   * Running it twice does no harm: the agent may skip its ledger.
   */
  'idempotent': (boolean);
  /**
   * W3C trace context of the request that queued it; may be empty.
   */
  'traceparent': (string);
}
