// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { CommandTypeInput as _fleetwire_agent_v1_CommandTypeInput, CommandType as _fleetwire_agent_v1_CommandType } from '../../../fleetwire/agent/v1/CommandType.ts';

/**
 * What the agent is and can do.
 */
export interface ProfileInput {
  /**
   * Empty: the fleet given at enrolment.
   */
  'fleet'?: (string);
  /**
   * At most 64 entries, keys and values at most 128 characters.
   */
  'labels'?: ({[key: string]: string});
  'types'?: (_fleetwire_agent_v1_CommandTypeInput)[];
  /**
   * How many commands may run at once (1 to 1000); PING, FACTS, STOP and RESTART don't count.
   */
  'concurrency'?: (number);
  'hostname'?: (string);
  /**
   * "linux", "darwin".
   */
  'platform'?: (string);
  /**
   * True while it finishes what it has and takes no more.
   */
  'draining'?: (boolean);
}

/**
 * What the agent is and can do.
 */
export interface Profile {
  /**
   * Empty: the fleet given at enrolment.
   */
  'fleet': (string);
  /**
   * At most 64 entries, keys and values at most 128 characters.
   */
  'labels': ({[key: string]: string});
  'types': (_fleetwire_agent_v1_CommandType)[];
  /**
   * How many commands may run at once (1 to 1000); PING, FACTS, STOP and RESTART don't count.
   */
  'concurrency': (number);
  'hostname': (string);
  /**
   * "linux", "darwin".
   */
  'platform': (string);
  /**
   * True while it finishes what it has and takes no more.
   */
  'draining': (boolean);
}
