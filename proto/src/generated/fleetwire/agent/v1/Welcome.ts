// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { OutputAckInput as _fleetwire_agent_v1_OutputAckInput, OutputAck as _fleetwire_agent_v1_OutputAck } from '../../../fleetwire/agent/v1/OutputAck.ts';
import type { Long } from '@grpc/proto-loader';

export interface WelcomeInput {
  /**
   * This session's number for the agent; every Assign and Cancel of this stream carries it.
   */
  'epoch'?: (number | string | Long);
  /**
   * Set when the server found that this ledger is a restored, older copy: the agent begins a new ledger with this id.
   */
  'newLedgerId'?: (string);
  'heartbeatIntervalMs'?: (number);
  /**
   * Without a HeartbeatAck for this long the agent takes the stream for dead.
   */
  'heartbeatTimeoutMs'?: (number);
  /**
   * Largest OutputChunk.data that the server takes, bytes.
   */
  'maxChunkBytes'?: (number);
  /**
   * The output that the server already stored of commands in Hello.held: resume there.
   */
  'resume'?: (_fleetwire_agent_v1_OutputAckInput)[];
  'serverId'?: (string);
  /**
   * The agent may send Facts on this stream.
   */
  'takesFacts'?: (boolean);
}

export interface Welcome {
  /**
   * This session's number for the agent; every Assign and Cancel of this stream carries it.
   */
  'epoch': (number);
  /**
   * Set when the server found that this ledger is a restored, older copy: the agent begins a new ledger with this id.
   */
  'newLedgerId': (string);
  'heartbeatIntervalMs': (number);
  /**
   * Without a HeartbeatAck for this long the agent takes the stream for dead.
   */
  'heartbeatTimeoutMs': (number);
  /**
   * Largest OutputChunk.data that the server takes, bytes.
   */
  'maxChunkBytes': (number);
  /**
   * The output that the server already stored of commands in Hello.held: resume there.
   */
  'resume': (_fleetwire_agent_v1_OutputAck)[];
  'serverId': (string);
  /**
   * The agent may send Facts on this stream.
   */
  'takesFacts': (boolean);
}
