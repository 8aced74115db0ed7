// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { StreamInput as _fleetwire_agent_v1_StreamInput, Stream as _fleetwire_agent_v1_Stream } from '../../../fleetwire/agent/v1/Stream.ts';
import type { Long } from '@grpc/proto-loader';

export interface OutputChunkInput {
  'commandId'?: (string);
  'attempt'?: (number);
  /**
   * Where `data` begins in the command's whole output (both streams in arrival order). Larger than the server's end
   * only when the agent had to drop what lies between; the server then records a gap.
   */
  'offset'?: (number | string | Long);
  'stream'?: (_fleetwire_agent_v1_StreamInput);
  'data'?: (Buffer | Uint8Array | string);
}

export interface OutputChunk {
  'commandId': (string);
  'attempt': (number);
  /**
   * Where `data` begins in the command's whole output (both streams in arrival order). Larger than the server's end
   * only when the agent had to drop what lies between; the server then records a gap.
   */
  'offset': (number);
  'stream': (_fleetwire_agent_v1_Stream);
  'data': (Buffer);
}
