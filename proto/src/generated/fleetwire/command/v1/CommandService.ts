// Generated from fleetwire/command/v1/command.proto by proto/generate.mjs. Do not edit.

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CancelCommandRequestInput as _fleetwire_command_v1_CancelCommandRequestInput, CancelCommandRequest as _fleetwire_command_v1_CancelCommandRequest } from '../../../fleetwire/command/v1/CancelCommandRequest.ts';
import type { CancelCommandResponseInput as _fleetwire_command_v1_CancelCommandResponseInput, CancelCommandResponse as _fleetwire_command_v1_CancelCommandResponse } from '../../../fleetwire/command/v1/CancelCommandResponse.ts';
import type { GetCommandRequestInput as _fleetwire_command_v1_GetCommandRequestInput, GetCommandRequest as _fleetwire_command_v1_GetCommandRequest } from '../../../fleetwire/command/v1/GetCommandRequest.ts';
import type { GetCommandResponseInput as _fleetwire_command_v1_GetCommandResponseInput, GetCommandResponse as _fleetwire_command_v1_GetCommandResponse } from '../../../fleetwire/command/v1/GetCommandResponse.ts';
import type { ListCommandsRequestInput as _fleetwire_command_v1_ListCommandsRequestInput, ListCommandsRequest as _fleetwire_command_v1_ListCommandsRequest } from '../../../fleetwire/command/v1/ListCommandsRequest.ts';
import type { ListCommandsResponseInput as _fleetwire_command_v1_ListCommandsResponseInput, ListCommandsResponse as _fleetwire_command_v1_ListCommandsResponse } from '../../../fleetwire/command/v1/ListCommandsResponse.ts';
import type { QueueCommandRequestInput as _fleetwire_command_v1_QueueCommandRequestInput, QueueCommandRequest as _fleetwire_command_v1_QueueCommandRequest } from '../../../fleetwire/command/v1/QueueCommandRequest.ts';
import type { QueueCommandResponseInput as _fleetwire_command_v1_QueueCommandResponseInput, QueueCommandResponse as _fleetwire_command_v1_QueueCommandResponse } from '../../../fleetwire/command/v1/QueueCommandResponse.ts';
import type { WatchCommandRequestInput as _fleetwire_command_v1_WatchCommandRequestInput, WatchCommandRequest as _fleetwire_command_v1_WatchCommandRequest } from '../../../fleetwire/command/v1/WatchCommandRequest.ts';
import type { WatchCommandResponseInput as _fleetwire_command_v1_WatchCommandResponseInput, WatchCommandResponse as _fleetwire_command_v1_WatchCommandResponse } from '../../../fleetwire/command/v1/WatchCommandResponse.ts';

export interface CommandServiceClient extends grpc.Client {
  /**
   * Cancels at once what is still queued; asks the agent to end what is running.
   */
  CancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  CancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  CancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  CancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  /**
   * Cancels at once what is still queued; asks the agent to end what is running.
   */
  cancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  cancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  cancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  cancelCommand(argument: _fleetwire_command_v1_CancelCommandRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_CancelCommandResponse>): grpc.ClientUnaryCall;
  
  GetCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  GetCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  GetCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  GetCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  getCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  getCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  getCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  getCommand(argument: _fleetwire_command_v1_GetCommandRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_GetCommandResponse>): grpc.ClientUnaryCall;
  
  ListCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  ListCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  ListCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  ListCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  listCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  listCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  listCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  listCommands(argument: _fleetwire_command_v1_ListCommandsRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_ListCommandsResponse>): grpc.ClientUnaryCall;
  
  /**
   * Stores a command for one agent. Answers when it is durable.
   */
  QueueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  QueueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  QueueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  QueueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  /**
   * Stores a command for one agent. Answers when it is durable.
   */
  queueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  queueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  queueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  queueCommand(argument: _fleetwire_command_v1_QueueCommandRequestInput, callback: grpc.requestCallback<_fleetwire_command_v1_QueueCommandResponse>): grpc.ClientUnaryCall;
  
  /**
   * The command as it is now, then each change and (if asked for) its output; ends after the terminal state.
   */
  WatchCommand(argument: _fleetwire_command_v1_WatchCommandRequestInput, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchCommandResponse>;
  WatchCommand(argument: _fleetwire_command_v1_WatchCommandRequestInput, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchCommandResponse>;
  /**
   * The command as it is now, then each change and (if asked for) its output; ends after the terminal state.
   */
  watchCommand(argument: _fleetwire_command_v1_WatchCommandRequestInput, metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchCommandResponse>;
  watchCommand(argument: _fleetwire_command_v1_WatchCommandRequestInput, options?: grpc.CallOptions): grpc.ClientReadableStream<_fleetwire_command_v1_WatchCommandResponse>;
  
}

export interface CommandServiceHandlers extends grpc.UntypedServiceImplementation {
  /**
   * Cancels at once what is still queued; asks the agent to end what is running.
   */
  CancelCommand: grpc.handleUnaryCall<_fleetwire_command_v1_CancelCommandRequest, _fleetwire_command_v1_CancelCommandResponseInput>;
  
  GetCommand: grpc.handleUnaryCall<_fleetwire_command_v1_GetCommandRequest, _fleetwire_command_v1_GetCommandResponseInput>;
  
  ListCommands: grpc.handleUnaryCall<_fleetwire_command_v1_ListCommandsRequest, _fleetwire_command_v1_ListCommandsResponseInput>;
  
  /**
   * Stores a command for one agent. Answers when it is durable.
   */
  QueueCommand: grpc.handleUnaryCall<_fleetwire_command_v1_QueueCommandRequest, _fleetwire_command_v1_QueueCommandResponseInput>;
  
  /**
   * The command as it is now, then each change and (if asked for) its output; ends after the terminal state.
   */
  WatchCommand: grpc.handleServerStreamingCall<_fleetwire_command_v1_WatchCommandRequest, _fleetwire_command_v1_WatchCommandResponseInput>;
  
}

export interface CommandServiceDefinition extends grpc.ServiceDefinition {
  CancelCommand: MethodDefinition<_fleetwire_command_v1_CancelCommandRequestInput, _fleetwire_command_v1_CancelCommandResponseInput, _fleetwire_command_v1_CancelCommandRequest, _fleetwire_command_v1_CancelCommandResponse>
  GetCommand: MethodDefinition<_fleetwire_command_v1_GetCommandRequestInput, _fleetwire_command_v1_GetCommandResponseInput, _fleetwire_command_v1_GetCommandRequest, _fleetwire_command_v1_GetCommandResponse>
  ListCommands: MethodDefinition<_fleetwire_command_v1_ListCommandsRequestInput, _fleetwire_command_v1_ListCommandsResponseInput, _fleetwire_command_v1_ListCommandsRequest, _fleetwire_command_v1_ListCommandsResponse>
  QueueCommand: MethodDefinition<_fleetwire_command_v1_QueueCommandRequestInput, _fleetwire_command_v1_QueueCommandResponseInput, _fleetwire_command_v1_QueueCommandRequest, _fleetwire_command_v1_QueueCommandResponse>
  WatchCommand: MethodDefinition<_fleetwire_command_v1_WatchCommandRequestInput, _fleetwire_command_v1_WatchCommandResponseInput, _fleetwire_command_v1_WatchCommandRequest, _fleetwire_command_v1_WatchCommandResponse>
}
