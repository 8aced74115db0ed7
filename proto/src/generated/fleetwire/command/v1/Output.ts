// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { OutputStreamInput as _fleetwire_command_v1_OutputStreamInput, OutputStream as _fleetwire_command_v1_OutputStream } from '../../../fleetwire/command/v1/OutputStream.ts';
import type { Long } from '@grpc/proto-loader';

export interface OutputInput {
  'offset'?: (number | string | Long);
  'stream'?: (_fleetwire_command_v1_OutputStreamInput);
  'data'?: (Buffer | Uint8Array | string);
}

export interface Output {
  'offset': (number);
  'stream': (_fleetwire_command_v1_OutputStream);
  'data': (Buffer);
}
