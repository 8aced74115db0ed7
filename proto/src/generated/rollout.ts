import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentSelectorInput as _fleetwire_command_v1_AgentSelectorInput, AgentSelector as _fleetwire_command_v1_AgentSelector } from './fleetwire/command/v1/AgentSelector.ts';
import type { ArgsInput as _fleetwire_command_v1_ArgsInput, Args as _fleetwire_command_v1_Args } from './fleetwire/command/v1/Args.ts';
import type { CancelCommandRequestInput as _fleetwire_command_v1_CancelCommandRequestInput, CancelCommandRequest as _fleetwire_command_v1_CancelCommandRequest } from './fleetwire/command/v1/CancelCommandRequest.ts';
import type { CancelCommandResponseInput as _fleetwire_command_v1_CancelCommandResponseInput, CancelCommandResponse as _fleetwire_command_v1_CancelCommandResponse } from './fleetwire/command/v1/CancelCommandResponse.ts';
import type { CommandInput as _fleetwire_command_v1_CommandInput, Command as _fleetwire_command_v1_Command } from './fleetwire/command/v1/Command.ts';
import type { CommandResultInput as _fleetwire_command_v1_CommandResultInput, CommandResult as _fleetwire_command_v1_CommandResult } from './fleetwire/command/v1/CommandResult.ts';
import type { CommandServiceClient as _fleetwire_command_v1_CommandServiceClient, CommandServiceDefinition as _fleetwire_command_v1_CommandServiceDefinition } from './fleetwire/command/v1/CommandService.ts';
import type { DryRunInput as _fleetwire_command_v1_DryRunInput, DryRun as _fleetwire_command_v1_DryRun } from './fleetwire/command/v1/DryRun.ts';
import type { GapInput as _fleetwire_command_v1_GapInput, Gap as _fleetwire_command_v1_Gap } from './fleetwire/command/v1/Gap.ts';
import type { GetCommandRequestInput as _fleetwire_command_v1_GetCommandRequestInput, GetCommandRequest as _fleetwire_command_v1_GetCommandRequest } from './fleetwire/command/v1/GetCommandRequest.ts';
import type { GetCommandResponseInput as _fleetwire_command_v1_GetCommandResponseInput, GetCommandResponse as _fleetwire_command_v1_GetCommandResponse } from './fleetwire/command/v1/GetCommandResponse.ts';
import type { GetRolloutRequestInput as _fleetwire_command_v1_GetRolloutRequestInput, GetRolloutRequest as _fleetwire_command_v1_GetRolloutRequest } from './fleetwire/command/v1/GetRolloutRequest.ts';
import type { GetRolloutResponseInput as _fleetwire_command_v1_GetRolloutResponseInput, GetRolloutResponse as _fleetwire_command_v1_GetRolloutResponse } from './fleetwire/command/v1/GetRolloutResponse.ts';
import type { LeftProcessInput as _fleetwire_command_v1_LeftProcessInput, LeftProcess as _fleetwire_command_v1_LeftProcess } from './fleetwire/command/v1/LeftProcess.ts';
import type { ListCommandsRequestInput as _fleetwire_command_v1_ListCommandsRequestInput, ListCommandsRequest as _fleetwire_command_v1_ListCommandsRequest } from './fleetwire/command/v1/ListCommandsRequest.ts';
import type { ListCommandsResponseInput as _fleetwire_command_v1_ListCommandsResponseInput, ListCommandsResponse as _fleetwire_command_v1_ListCommandsResponse } from './fleetwire/command/v1/ListCommandsResponse.ts';
import type { ListRolloutResultsRequestInput as _fleetwire_command_v1_ListRolloutResultsRequestInput, ListRolloutResultsRequest as _fleetwire_command_v1_ListRolloutResultsRequest } from './fleetwire/command/v1/ListRolloutResultsRequest.ts';
import type { ListRolloutResultsResponseInput as _fleetwire_command_v1_ListRolloutResultsResponseInput, ListRolloutResultsResponse as _fleetwire_command_v1_ListRolloutResultsResponse } from './fleetwire/command/v1/ListRolloutResultsResponse.ts';
import type { ListRolloutsRequestInput as _fleetwire_command_v1_ListRolloutsRequestInput, ListRolloutsRequest as _fleetwire_command_v1_ListRolloutsRequest } from './fleetwire/command/v1/ListRolloutsRequest.ts';
import type { ListRolloutsResponseInput as _fleetwire_command_v1_ListRolloutsResponseInput, ListRolloutsResponse as _fleetwire_command_v1_ListRolloutsResponse } from './fleetwire/command/v1/ListRolloutsResponse.ts';
import type { OutputInput as _fleetwire_command_v1_OutputInput, Output as _fleetwire_command_v1_Output } from './fleetwire/command/v1/Output.ts';
import type { PickedCommandInput as _fleetwire_command_v1_PickedCommandInput, PickedCommand as _fleetwire_command_v1_PickedCommand } from './fleetwire/command/v1/PickedCommand.ts';
import type { QueueCommandRequestInput as _fleetwire_command_v1_QueueCommandRequestInput, QueueCommandRequest as _fleetwire_command_v1_QueueCommandRequest } from './fleetwire/command/v1/QueueCommandRequest.ts';
import type { QueueCommandResponseInput as _fleetwire_command_v1_QueueCommandResponseInput, QueueCommandResponse as _fleetwire_command_v1_QueueCommandResponse } from './fleetwire/command/v1/QueueCommandResponse.ts';
import type { RetryInput as _fleetwire_command_v1_RetryInput, Retry as _fleetwire_command_v1_Retry } from './fleetwire/command/v1/Retry.ts';
import type { RetryRolloutRequestInput as _fleetwire_command_v1_RetryRolloutRequestInput, RetryRolloutRequest as _fleetwire_command_v1_RetryRolloutRequest } from './fleetwire/command/v1/RetryRolloutRequest.ts';
import type { RetryRolloutResponseInput as _fleetwire_command_v1_RetryRolloutResponseInput, RetryRolloutResponse as _fleetwire_command_v1_RetryRolloutResponse } from './fleetwire/command/v1/RetryRolloutResponse.ts';
import type { RolloutInput as _fleetwire_command_v1_RolloutInput, Rollout as _fleetwire_command_v1_Rollout } from './fleetwire/command/v1/Rollout.ts';
import type { RolloutCountsInput as _fleetwire_command_v1_RolloutCountsInput, RolloutCounts as _fleetwire_command_v1_RolloutCounts } from './fleetwire/command/v1/RolloutCounts.ts';
import type { RolloutResultInput as _fleetwire_command_v1_RolloutResultInput, RolloutResult as _fleetwire_command_v1_RolloutResult } from './fleetwire/command/v1/RolloutResult.ts';
import type { RolloutServiceClient as _fleetwire_command_v1_RolloutServiceClient, RolloutServiceDefinition as _fleetwire_command_v1_RolloutServiceDefinition } from './fleetwire/command/v1/RolloutService.ts';
import type { StartRolloutRequestInput as _fleetwire_command_v1_StartRolloutRequestInput, StartRolloutRequest as _fleetwire_command_v1_StartRolloutRequest } from './fleetwire/command/v1/StartRolloutRequest.ts';
import type { StartRolloutResponseInput as _fleetwire_command_v1_StartRolloutResponseInput, StartRolloutResponse as _fleetwire_command_v1_StartRolloutResponse } from './fleetwire/command/v1/StartRolloutResponse.ts';
import type { StartedRolloutInput as _fleetwire_command_v1_StartedRolloutInput, StartedRollout as _fleetwire_command_v1_StartedRollout } from './fleetwire/command/v1/StartedRollout.ts';
import type { StopRolloutRequestInput as _fleetwire_command_v1_StopRolloutRequestInput, StopRolloutRequest as _fleetwire_command_v1_StopRolloutRequest } from './fleetwire/command/v1/StopRolloutRequest.ts';
import type { StopRolloutResponseInput as _fleetwire_command_v1_StopRolloutResponseInput, StopRolloutResponse as _fleetwire_command_v1_StopRolloutResponse } from './fleetwire/command/v1/StopRolloutResponse.ts';
import type { WatchCommandRequestInput as _fleetwire_command_v1_WatchCommandRequestInput, WatchCommandRequest as _fleetwire_command_v1_WatchCommandRequest } from './fleetwire/command/v1/WatchCommandRequest.ts';
import type { WatchCommandResponseInput as _fleetwire_command_v1_WatchCommandResponseInput, WatchCommandResponse as _fleetwire_command_v1_WatchCommandResponse } from './fleetwire/command/v1/WatchCommandResponse.ts';
import type { WatchRolloutRequestInput as _fleetwire_command_v1_WatchRolloutRequestInput, WatchRolloutRequest as _fleetwire_command_v1_WatchRolloutRequest } from './fleetwire/command/v1/WatchRolloutRequest.ts';
import type { WatchRolloutResponseInput as _fleetwire_command_v1_WatchRolloutResponseInput, WatchRolloutResponse as _fleetwire_command_v1_WatchRolloutResponse } from './fleetwire/command/v1/WatchRolloutResponse.ts';
import type { TimestampInput as _google_protobuf_TimestampInput, Timestamp as _google_protobuf_Timestamp } from './google/protobuf/Timestamp.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  fleetwire: {
    command: {
      v1: {
        AgentSelector: MessageTypeDefinition<_fleetwire_command_v1_AgentSelectorInput, _fleetwire_command_v1_AgentSelector>
        Args: MessageTypeDefinition<_fleetwire_command_v1_ArgsInput, _fleetwire_command_v1_Args>
        CancelCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_CancelCommandRequestInput, _fleetwire_command_v1_CancelCommandRequest>
        CancelCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_CancelCommandResponseInput, _fleetwire_command_v1_CancelCommandResponse>
        Command: MessageTypeDefinition<_fleetwire_command_v1_CommandInput, _fleetwire_command_v1_Command>
        CommandResult: MessageTypeDefinition<_fleetwire_command_v1_CommandResultInput, _fleetwire_command_v1_CommandResult>
        CommandService: SubtypeConstructor<typeof grpc.Client, _fleetwire_command_v1_CommandServiceClient> & { service: _fleetwire_command_v1_CommandServiceDefinition }
        CommandStatus: EnumTypeDefinition
        DryRun: MessageTypeDefinition<_fleetwire_command_v1_DryRunInput, _fleetwire_command_v1_DryRun>
        Gap: MessageTypeDefinition<_fleetwire_command_v1_GapInput, _fleetwire_command_v1_Gap>
        GetCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_GetCommandRequestInput, _fleetwire_command_v1_GetCommandRequest>
        GetCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_GetCommandResponseInput, _fleetwire_command_v1_GetCommandResponse>
        GetRolloutRequest: MessageTypeDefinition<_fleetwire_command_v1_GetRolloutRequestInput, _fleetwire_command_v1_GetRolloutRequest>
        GetRolloutResponse: MessageTypeDefinition<_fleetwire_command_v1_GetRolloutResponseInput, _fleetwire_command_v1_GetRolloutResponse>
        LeftProcess: MessageTypeDefinition<_fleetwire_command_v1_LeftProcessInput, _fleetwire_command_v1_LeftProcess>
        ListCommandsRequest: MessageTypeDefinition<_fleetwire_command_v1_ListCommandsRequestInput, _fleetwire_command_v1_ListCommandsRequest>
        ListCommandsResponse: MessageTypeDefinition<_fleetwire_command_v1_ListCommandsResponseInput, _fleetwire_command_v1_ListCommandsResponse>
        ListRolloutResultsRequest: MessageTypeDefinition<_fleetwire_command_v1_ListRolloutResultsRequestInput, _fleetwire_command_v1_ListRolloutResultsRequest>
        ListRolloutResultsResponse: MessageTypeDefinition<_fleetwire_command_v1_ListRolloutResultsResponseInput, _fleetwire_command_v1_ListRolloutResultsResponse>
        ListRolloutsRequest: MessageTypeDefinition<_fleetwire_command_v1_ListRolloutsRequestInput, _fleetwire_command_v1_ListRolloutsRequest>
        ListRolloutsResponse: MessageTypeDefinition<_fleetwire_command_v1_ListRolloutsResponseInput, _fleetwire_command_v1_ListRolloutsResponse>
        Output: MessageTypeDefinition<_fleetwire_command_v1_OutputInput, _fleetwire_command_v1_Output>
        OutputStream: EnumTypeDefinition
        PickedCommand: MessageTypeDefinition<_fleetwire_command_v1_PickedCommandInput, _fleetwire_command_v1_PickedCommand>
        QueueCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_QueueCommandRequestInput, _fleetwire_command_v1_QueueCommandRequest>
        QueueCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_QueueCommandResponseInput, _fleetwire_command_v1_QueueCommandResponse>
        Retry: MessageTypeDefinition<_fleetwire_command_v1_RetryInput, _fleetwire_command_v1_Retry>
        RetryRolloutRequest: MessageTypeDefinition<_fleetwire_command_v1_RetryRolloutRequestInput, _fleetwire_command_v1_RetryRolloutRequest>
        RetryRolloutResponse: MessageTypeDefinition<_fleetwire_command_v1_RetryRolloutResponseInput, _fleetwire_command_v1_RetryRolloutResponse>
        Rollout: MessageTypeDefinition<_fleetwire_command_v1_RolloutInput, _fleetwire_command_v1_Rollout>
        RolloutCounts: MessageTypeDefinition<_fleetwire_command_v1_RolloutCountsInput, _fleetwire_command_v1_RolloutCounts>
        RolloutPick: EnumTypeDefinition
        RolloutResult: MessageTypeDefinition<_fleetwire_command_v1_RolloutResultInput, _fleetwire_command_v1_RolloutResult>
        RolloutService: SubtypeConstructor<typeof grpc.Client, _fleetwire_command_v1_RolloutServiceClient> & { service: _fleetwire_command_v1_RolloutServiceDefinition }
        RolloutStatus: EnumTypeDefinition
        StartRolloutRequest: MessageTypeDefinition<_fleetwire_command_v1_StartRolloutRequestInput, _fleetwire_command_v1_StartRolloutRequest>
        StartRolloutResponse: MessageTypeDefinition<_fleetwire_command_v1_StartRolloutResponseInput, _fleetwire_command_v1_StartRolloutResponse>
        StartedRollout: MessageTypeDefinition<_fleetwire_command_v1_StartedRolloutInput, _fleetwire_command_v1_StartedRollout>
        StopRolloutRequest: MessageTypeDefinition<_fleetwire_command_v1_StopRolloutRequestInput, _fleetwire_command_v1_StopRolloutRequest>
        StopRolloutResponse: MessageTypeDefinition<_fleetwire_command_v1_StopRolloutResponseInput, _fleetwire_command_v1_StopRolloutResponse>
        WatchCommandRequest: MessageTypeDefinition<_fleetwire_command_v1_WatchCommandRequestInput, _fleetwire_command_v1_WatchCommandRequest>
        WatchCommandResponse: MessageTypeDefinition<_fleetwire_command_v1_WatchCommandResponseInput, _fleetwire_command_v1_WatchCommandResponse>
        WatchRolloutRequest: MessageTypeDefinition<_fleetwire_command_v1_WatchRolloutRequestInput, _fleetwire_command_v1_WatchRolloutRequest>
        WatchRolloutResponse: MessageTypeDefinition<_fleetwire_command_v1_WatchRolloutResponseInput, _fleetwire_command_v1_WatchRolloutResponse>
      }
    }
  }
  google: {
    protobuf: {
      Timestamp: MessageTypeDefinition<_google_protobuf_TimestampInput, _google_protobuf_Timestamp>
    }
  }
}

