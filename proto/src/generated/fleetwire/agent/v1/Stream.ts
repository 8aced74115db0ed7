// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

export const Stream = {
  STREAM_UNSPECIFIED: 'STREAM_UNSPECIFIED',
  STREAM_STDOUT: 'STREAM_STDOUT',
  STREAM_STDERR: 'STREAM_STDERR',
} as const;

export type StreamInput =
  | 'STREAM_UNSPECIFIED'
  | 0
  | 'STREAM_STDOUT'
  | 1
  | 'STREAM_STDERR'
  | 2

export type Stream = typeof Stream[keyof typeof Stream]
