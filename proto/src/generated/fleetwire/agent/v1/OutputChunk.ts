// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { StreamInput as _fleetwire_agent_v1_StreamInput, Stream as _fleetwire_agent_v1_Stream } from '../../../fleetwire/agent/v1/Stream.ts';
import type { Long } from '@grpc/proto-loader';

export interface OutputChunkInput {
  'commandId'?: (string);
  'attempt'?: (number);
  /**
   * Where `data` begins in the command's whole output (both streams in arrival order).
   */
  'offset'?: (number | string | Long);
  'stream'?: (_fleetwire_agent_v1_StreamInput);
  'data'?: (Buffer | Uint8Array | string);
  /**
   * How many bytes right before `offset` the agent had to drop: the server records a gap. A chunk that begins beyond the
   * server's end without saying so came too early, and waits for the one before it.
   */
  'droppedBefore'?: (number | string | Long);
}

export interface OutputChunk {
  'commandId': (string);
  'attempt': (number);
  /**
   * Where `data` begins in the command's whole output (both streams in arrival order).
   */
  'offset': (number);
  'stream': (_fleetwire_agent_v1_Stream);
  'data': (Buffer);
  /**
   * How many bytes right before `offset` the agent had to drop: the server records a gap. A chunk that begins beyond the
   * server's end without saying so came too early, and waits for the one before it.
   */
  'droppedBefore': (number);
}
