// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

export const OutputStream = {
  OUTPUT_STREAM_UNSPECIFIED: 'OUTPUT_STREAM_UNSPECIFIED',
  OUTPUT_STREAM_STDOUT: 'OUTPUT_STREAM_STDOUT',
  OUTPUT_STREAM_STDERR: 'OUTPUT_STREAM_STDERR',
} as const;

export type OutputStreamInput =
  | 'OUTPUT_STREAM_UNSPECIFIED'
  | 0
  | 'OUTPUT_STREAM_STDOUT'
  | 1
  | 'OUTPUT_STREAM_STDERR'
  | 2

export type OutputStream = typeof OutputStream[keyof typeof OutputStream]
