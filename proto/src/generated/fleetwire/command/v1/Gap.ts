// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type { Long } from '@grpc/proto-loader';

/**
 * Output that isn't kept: the watcher was too slow, or the middle was dropped.
 */
export interface GapInput {
  'offset'?: (number | string | Long);
  'bytes'?: (number | string | Long);
}

/**
 * Output that isn't kept: the watcher was too slow, or the middle was dropped.
 */
export interface Gap {
  'offset': (number);
  'bytes': (number);
}
