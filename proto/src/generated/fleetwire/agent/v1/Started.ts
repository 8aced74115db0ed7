// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

/**
 * The command is recorded in the ledger and is about to be spawned.
 */
export interface StartedInput {
  'commandId'?: (string);
  'assignNo'?: (number | string | Long);
  'attempt'?: (number);
  /**
   * True when a synced ledger row stands behind this message; then `assign_no` counts for Hello.highest.
   */
  'recorded'?: (boolean);
}

/**
 * The command is recorded in the ledger and is about to be spawned.
 */
export interface Started {
  'commandId': (string);
  'assignNo': (number);
  'attempt': (number);
  /**
   * True when a synced ledger row stands behind this message; then `assign_no` counts for Hello.highest.
   */
  'recorded': (boolean);
}
