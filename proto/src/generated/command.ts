import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ArgsInput as _fleetwire_command_v1_ArgsInput, Args as _fleetwire_command_v1_Args } from './fleetwire/command/v1/Args.ts';
import type { CancelCommandRequestInput as _fleetwire_command_v1_CancelCommandRequestInput, CancelCommandRequest as _fleetwire_command_v1_CancelCommandRequest } from './fleetwire/command/v1/CancelCommandRequest.ts';
import type { CancelCommandResponseInput as _fleetwire_command_v1_CancelCommandResponseInput, CancelCommandResponse as _fleetwire_command_v1_CancelCommandResponse } from './fleetwire/command/v1/CancelCommandResponse.ts';
import type { CommandInput as _fleetwire_command_v1_CommandInput, Command as _fleetwire_command_v1_Command } from './fleetwire/command/v1/Command.ts';
import type { CommandResultInput as _fleetwire_command_v1_CommandResultInput, CommandResult as _fleetwire_command_v1_CommandResult } from './fleetwire/command/v1/CommandResult.ts';
import type { CommandServiceClient as _fleetwire_command_v1_CommandServiceClient, CommandServiceDefinition as _fleetwire_command_v1_CommandServiceDefinition } from './fleetwire/command/v1/CommandService.ts';
import type { GapInput as _fleetwire_command_v1_GapInput, Gap as _fleetwire_command_v1_Gap } from './fleetwire/command/v1/Gap.ts';
import type { GetCommandRequestInput as _fleetwire_command_v1_GetCommandRequestInput, GetCommandRequest as _fleetwire_command_v1_GetCommandRequest } from './fleetwire/command/v1/GetCommandRequest.ts';
import type { GetCommandResponseInput as _fleetwire_command_v1_GetCommandResponseInput, GetCommandResponse as _fleetwire_command_v1_GetCommandResponse } from './fleetwire/command/v1/GetCommandResponse.ts';
import type { LeftProcessInput as _fleetwire_command_v1_LeftProcessInput, LeftProcess as _fleetwire_command_v1_LeftProcess } from './fleetwire/command/v1/LeftProcess.ts';
import type { ListCommandsRequestInput as _fleetwire_command_v1_ListCommandsRequestInput, ListCommandsRequest as _fleetwire_command_v1_ListCommandsRequest } from './fleetwire/command/v1/ListCommandsRequest.ts';
import type { ListCommandsResponseInput as _fleetwire_command_v1_ListCommandsResponseInput, ListCommandsResponse as _fleetwire_command_v1_ListCommandsResponse } from './fleetwire/command/v1/ListCommandsResponse.ts';
import type { OutputInput as _fleetwire_command_v1_OutputInput, Output as _fleetwire_command_v1_Output } from './fleetwire/command/v1/Output.ts';
import type { QueueCommandRequestInput as _fleetwire_command_v1_QueueCommandRequestInput, QueueCommandRequest as _fleetwire_command_v1_QueueCommandRequest } from './fleetwire/command/v1/QueueCommandRequest.ts';
import type { QueueCommandResponseInput as _fleetwire_command_v1_QueueCommandResponseInput, QueueCommandResponse as _fleetwire_command_v1_QueueCommandResponse } from './fleetwire/command/v1/QueueCommandResponse.ts';
import type { RetryInput as _fleetwire_command_v1_RetryInput, Retry as _fleetwire_command_v1_Retry } from './fleetwire/command/v1/Retry.ts';
import type { WatchCommandRequestInput as _fleetwire_command_v1_WatchCommandRequestInput, WatchCommandRequest as _fleetwire_command_v1_WatchCommandRequest } from './fleetwire/command/v1/WatchCommandRequest.ts';
import type { WatchCommandResponseInput as _fleetwire_command_v1_WatchCommandResponseInput, WatchCommandResponse as _fleetwire_command_v1_WatchCommandResponse } from './fleetwire/command/v1/WatchCommandResponse.ts';
import type { TimestampInput as _google_protobuf_TimestampInput, Timestamp as _google_protobuf_Timestamp } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  fleetwire: {
    command: {
      v1: {
        Args: MessageTypeDefinition<_fleetwire_command_v1_ArgsInput, _fleetwire_command_v1_Args>
        CancelCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_CancelCommandRequestInput, _fleetwire_command_v1_CancelCommandRequest>
        CancelCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_CancelCommandResponseInput, _fleetwire_command_v1_CancelCommandResponse>
        Command: MessageTypeDefinition<_fleetwire_command_v1_CommandInput, _fleetwire_command_v1_Command>
        CommandResult: MessageTypeDefinition<_fleetwire_command_v1_CommandResultInput, _fleetwire_command_v1_CommandResult>
        CommandService: SubtypeConstructor<typeof grpc.Client, _fleetwire_command_v1_CommandServiceClient> & { service: _fleetwire_command_v1_CommandServiceDefinition }
        CommandStatus: EnumTypeDefinition
        Gap: MessageTypeDefinition<_fleetwire_command_v1_GapInput, _fleetwire_command_v1_Gap>
        GetCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_GetCommandRequestInput, _fleetwire_command_v1_GetCommandRequest>
        GetCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_GetCommandResponseInput, _fleetwire_command_v1_GetCommandResponse>
        LeftProcess: MessageTypeDefinition<_fleetwire_command_v1_LeftProcessInput, _fleetwire_command_v1_LeftProcess>
        ListCommandsRequest: MessageTypeDefinition<_fleetwire_command_v1_ListCommandsRequestInput, _fleetwire_command_v1_ListCommandsRequest>
        ListCommandsResponse: MessageTypeDefinition<_fleetwire_command_v1_ListCommandsResponseInput, _fleetwire_command_v1_ListCommandsResponse>
        Output: MessageTypeDefinition<_fleetwire_command_v1_OutputInput, _fleetwire_command_v1_Output>
        OutputStream: EnumTypeDefinition
        QueueCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_QueueCommandRequestInput, _fleetwire_command_v1_QueueCommandRequest>
        QueueCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_QueueCommandResponseInput, _fleetwire_command_v1_QueueCommandResponse>
        Retry: MessageTypeDefinition<_fleetwire_command_v1_RetryInput, _fleetwire_command_v1_Retry>
        WatchCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_WatchCommandRequestInput, _fleetwire_command_v1_WatchCommandRequest>
        WatchCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_WatchCommandResponseInput, _fleetwire_command_v1_WatchCommandResponse>
      }
    }
  }
  google: {
    protobuf: {
      Timestamp: MessageTypeDefinition<_google_protobuf_TimestampInput, _google_protobuf_Timestamp>
    }
  }
}

