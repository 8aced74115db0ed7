// Generated from fleetwire/command/v1/rollout.proto by proto/generate.mjs. Do not edit.

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { GetRolloutRequestInput as _fleetwire_command_v1_GetRolloutRequestInput, GetRolloutRequest as _fleetwire_command_v1_GetRolloutRequest } from '../../../fleetwire/command/v1/GetRolloutRequest.ts';
import type { GetRolloutResponseInput as _fleetwire_command_v1_GetRolloutResponseInput, GetRolloutResponse as _fleetwire_command_v1_GetRolloutResponse } from '../../../fleetwire/command/v1/GetRolloutResponse.ts';
import type { ListRolloutResultsRequestInput as _fleetwire_command_v1_ListRolloutResultsRequestInput, ListRolloutResultsRequest as _fleetwire_command_v1_ListRolloutResultsRequest } from '../../../fleetwire/command/v1/ListRolloutResultsRequest.ts';
import type { ListRolloutResultsResponseInput as _fleetwire_command_v1_ListRolloutResultsResponseInput, ListRolloutResultsResponse as _fleetwire_command_v1_ListRolloutResultsResponse } from '../../../fleetwire/command/v1/ListRolloutResultsResponse.ts';
import type { ListRolloutsRequestInput as _fleetwire_command_v1_ListRolloutsRequestInput, ListRolloutsRequest as _fleetwire_command_v1_ListRolloutsRequest } from '../../../fleetwire/command/v1/ListRolloutsRequest.ts';
import type { ListRolloutsResponseInput as _fleetwire_command_v1_ListRolloutsResponseInput, ListRolloutsResponse as _fleetwire_command_v1_ListRolloutsResponse } from '../../../fleetwire/command/v1/ListRolloutsResponse.ts';
import type { RetryRolloutRequestInput as _fleetwire_command_v1_RetryRolloutRequestInput, RetryRolloutRequest as _fleetwire_command_v1_RetryRolloutRequest } from '../../../fleetwire/command/v1/RetryRolloutRequest.ts';
import type { RetryRolloutResponseInput as _fleetwire_command_v1_RetryRolloutResponseInput, RetryRolloutResponse as _fleetwire_command_v1_RetryRolloutResponse } from '../../../fleetwire/command/v1/RetryRolloutResponse.ts';
import type { StartRolloutRequestInput as _fleetwire_command_v1_StartRolloutRequestInput, StartRolloutRequest as _fleetwire_command_v1_StartRolloutRequest } from '../../../fleetwire/command/v1/StartRolloutRequest.ts';
import type { StartRolloutResponseInput as _fleetwire_command_v1_StartRolloutResponseInput, StartRolloutResponse as _fleetwire_command_v1_StartRolloutResponse } from '../../../fleetwire/command/v1/StartRolloutResponse.ts';
import type { StopRolloutRequestInput as _fleetwire_command_v1_StopRolloutRequestInput, StopRolloutRequest as _fleetwire_command_v1_StopRolloutRequest } from '../../../fleetwire/command/v1/StopRolloutRequest.ts';
import type { StopRolloutResponseInput as _fleetwire_command_v1_StopRolloutResponseInput, StopRolloutResponse as _fleetwire_command_v1_StopRolloutResponse } from '../../../fleetwire/command/v1/StopRolloutResponse.ts';
import type { WatchRolloutRequestInput as _fleetwire_command_v1_WatchRolloutRequestInput, WatchRolloutRequest as _fleetwire_command_v1_WatchRolloutRequest } from '../../../fleetwire/command/v1/WatchRolloutRequest.ts';
import type { WatchRolloutResponseInput as _fleetwire_command_v1_WatchRolloutResponseInput, WatchRolloutResponse as _fleetwire_command_v1_WatchRolloutResponse } from '../../../fleetwire/command/v1/WatchRolloutResponse.ts';

export interface RolloutServiceClient extends grpc.Client {
  GetRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  GetRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  GetRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  GetRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  getRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  getRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  getRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  getRollout(argument: _fleetwire_command_v1_GetRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_GetRolloutResponse>): grpc.ClientUnaryCall;
  
  /**
   * Its commands that were queued so far, with their output, in the order in which they are queued.
   */
  ListRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  ListRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  ListRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  ListRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  /**
   * Its commands that were queued so far, with their output, in the order in which they are queued.
   */
  listRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  listRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  listRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  listRolloutResults(argument: _fleetwire_command_v1_ListRolloutResultsRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutResultsResponse>): grpc.ClientUnaryCall;
  
  ListRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  ListRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  ListRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  ListRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  listRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  listRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  listRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  listRollouts(argument: _fleetwire_command_v1_ListRolloutsRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_ListRolloutsResponse>): grpc.ClientUnaryCall;
  
  /**
   * A new rollout of the same, for the agents on which it failed, expired or never began.
   */
  RetryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  RetryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  RetryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  RetryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  /**
   * A new rollout of the same, for the agents on which it failed, expired or never began.
   */
  retryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  retryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  retryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  retryRollout(argument: _fleetwire_command_v1_RetryRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_RetryRolloutResponse>): grpc.ClientUnaryCall;
  
  /**
   * Stores a rollout, whose commands are then queued one after the other; or picks one agent for a command; or says whom a
   * rollout would reach. Answers when it is durable.
   */
  StartRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  StartRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  StartRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  StartRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  /**
   * Stores a rollout, whose commands are then queued one after the other; or picks one agent for a command; or says whom a
   * rollout would reach. Answers when it is durable.
   */
  startRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  startRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  startRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  startRollout(argument: _fleetwire_command_v1_StartRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_StartRolloutResponse>): grpc.ClientUnaryCall;
  
  /**
   * Nothing of it is queued after the answer, and its queued commands are cancelled.
   */
  StopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  StopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  StopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  StopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  /**
   * Nothing of it is queued after the answer, and its queued commands are cancelled.
   */
  stopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  stopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  stopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  stopRollout(argument: _fleetwire_command_v1_StopRolloutRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_StopRolloutResponse>): grpc.ClientUnaryCall;
  
  /**
   * How far it is, at once and as that changes, at most five times a second; ends after the message that is `settled`.
   */
  WatchRollout(argument: _fleetwire_command_v1_WatchRolloutRequestInput, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchRolloutResponse>;
  WatchRollout(argument: _fleetwire_command_v1_WatchRolloutRequestInput, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchRolloutResponse>;
  /**
   * How far it is, at once and as that changes, at most five times a second; ends after the message that is `settled`.
   */
  watchRollout(argument: _fleetwire_command_v1_WatchRolloutRequestInput, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchRolloutResponse>;
  watchRollout(argument: _fleetwire_command_v1_WatchRolloutRequestInput, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchRolloutResponse>;
  
}

export interface RolloutServiceHandlers extends grpc.UntypedServiceImplementation {
  GetRollout: grpc.handleUnaryCall<_fleetwire_command_v1_GetRolloutRequest, _fleetwire_command_v1_GetRolloutResponseInput>;
  
  /**
   * Its commands that were queued so far, with their output, in the order in which they are queued.
   */
  ListRolloutResults: grpc.handleUnaryCall<_fleetwire_command_v1_ListRolloutResultsRequest, _fleetwire_command_v1_ListRolloutResultsResponseInput>;
  
  ListRollouts: grpc.handleUnaryCall<_fleetwire_command_v1_ListRolloutsRequest, _fleetwire_command_v1_ListRolloutsResponseInput>;
  
  /**
   * A new rollout of the same, for the agents on which it failed, expired or never began.
   */
  RetryRollout: grpc.handleUnaryCall<_fleetwire_command_v1_RetryRolloutRequest, _fleetwire_command_v1_RetryRolloutResponseInput>;
  
  /**
   * Stores a rollout, whose commands are then queued one after the other; or picks one agent for a command; or says whom a
   * rollout would reach. Answers when it is durable.
   */
  StartRollout: grpc.handleUnaryCall<_fleetwire_command_v1_StartRolloutRequest, _fleetwire_command_v1_StartRolloutResponseInput>;
  
  /**
   * Nothing of it is queued after the answer, and its queued commands are cancelled.
   */
  StopRollout: grpc.handleUnaryCall<_fleetwire_command_v1_StopRolloutRequest, _fleetwire_command_v1_StopRolloutResponseInput>;
  
  /**
   * How far it is, at once and as that changes, at most five times a second; ends after the message that is `settled`.
   */
  WatchRollout: grpc.handleServerStreamingCall<_fleetwire_command_v1_WatchRolloutRequest, _fleetwire_command_v1_WatchRolloutResponseInput>;
  
}

export interface RolloutServiceDefinition extends grpc.ServiceDefinition {
  GetRollout: MethodDefinition<_fleetwire_command_v1_GetRolloutRequestInput, _fleetwire_command_v1_GetRolloutResponseInput, _fleetwire_command_v1_GetRolloutRequest, _fleetwire_command_v1_GetRolloutResponse>
  ListRolloutResults: MethodDefinition<_fleetwire_command_v1_ListRolloutResultsRequestInput, _fleetwire_command_v1_ListRolloutResultsResponseInput, _fleetwire_command_v1_ListRolloutResultsRequest, _fleetwire_command_v1_ListRolloutResultsResponse>
  ListRollouts: MethodDefinition<_fleetwire_command_v1_ListRolloutsRequestInput, _fleetwire_command_v1_ListRolloutsResponseInput, _fleetwire_command_v1_ListRolloutsRequest, _fleetwire_command_v1_ListRolloutsResponse>
  RetryRollout: MethodDefinition<_fleetwire_command_v1_RetryRolloutRequestInput, _fleetwire_command_v1_RetryRolloutResponseInput, _fleetwire_command_v1_RetryRolloutRequest, _fleetwire_command_v1_RetryRolloutResponse>
  StartRollout: MethodDefinition<_fleetwire_command_v1_StartRolloutRequestInput, _fleetwire_command_v1_StartRolloutResponseInput, _fleetwire_command_v1_StartRolloutRequest, _fleetwire_command_v1_StartRolloutResponse>
  StopRollout: MethodDefinition<_fleetwire_command_v1_StopRolloutRequestInput, _fleetwire_command_v1_StopRolloutResponseInput, _fleetwire_command_v1_StopRolloutRequest, _fleetwire_command_v1_StopRolloutResponse>
  WatchRollout: MethodDefinition<_fleetwire_command_v1_WatchRolloutRequestInput, _fleetwire_command_v1_WatchRolloutResponseInput, _fleetwire_command_v1_WatchRolloutRequest, _fleetwire_command_v1_WatchRolloutResponse>
}
