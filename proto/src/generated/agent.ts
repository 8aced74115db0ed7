import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AgentMessageInput as _fleetwire_agent_v1_AgentMessageInput, AgentMessage as _fleetwire_agent_v1_AgentMessage } from './fleetwire/agent/v1/AgentMessage.ts';
import type { AgentServiceClient as _fleetwire_agent_v1_AgentServiceClient, AgentServiceDefinition as _fleetwire_agent_v1_AgentServiceDefinition } from './fleetwire/agent/v1/AgentService.ts';
import type { AssignInput as _fleetwire_agent_v1_AssignInput, Assign as _fleetwire_agent_v1_Assign } from './fleetwire/agent/v1/Assign.ts';
import type { CancelInput as _fleetwire_agent_v1_CancelInput, Cancel as _fleetwire_agent_v1_Cancel } from './fleetwire/agent/v1/Cancel.ts';
import type { ChallengeInput as _fleetwire_agent_v1_ChallengeInput, Challenge as _fleetwire_agent_v1_Challenge } from './fleetwire/agent/v1/Challenge.ts';
import type { CommandTypeInput as _fleetwire_agent_v1_CommandTypeInput, CommandType as _fleetwire_agent_v1_CommandType } from './fleetwire/agent/v1/CommandType.ts';
import type { EnrollRequestInput as _fleetwire_agent_v1_EnrollRequestInput, EnrollRequest as _fleetwire_agent_v1_EnrollRequest } from './fleetwire/agent/v1/EnrollRequest.ts';
import type { EnrollResponseInput as _fleetwire_agent_v1_EnrollResponseInput, EnrollResponse as _fleetwire_agent_v1_EnrollResponse } from './fleetwire/agent/v1/EnrollResponse.ts';
import type { FactsInput as _fleetwire_agent_v1_FactsInput, Facts as _fleetwire_agent_v1_Facts } from './fleetwire/agent/v1/Facts.ts';
import type { FactsAckInput as _fleetwire_agent_v1_FactsAckInput, FactsAck as _fleetwire_agent_v1_FactsAck } from './fleetwire/agent/v1/FactsAck.ts';
import type { GoAwayInput as _fleetwire_agent_v1_GoAwayInput, GoAway as _fleetwire_agent_v1_GoAway } from './fleetwire/agent/v1/GoAway.ts';
import type { HeartbeatInput as _fleetwire_agent_v1_HeartbeatInput, Heartbeat as _fleetwire_agent_v1_Heartbeat } from './fleetwire/agent/v1/Heartbeat.ts';
import type { HeartbeatAckInput as _fleetwire_agent_v1_HeartbeatAckInput, HeartbeatAck as _fleetwire_agent_v1_HeartbeatAck } from './fleetwire/agent/v1/HeartbeatAck.ts';
import type { HeldInput as _fleetwire_agent_v1_HeldInput, Held as _fleetwire_agent_v1_Held } from './fleetwire/agent/v1/Held.ts';
import type { HelloInput as _fleetwire_agent_v1_HelloInput, Hello as _fleetwire_agent_v1_Hello } from './fleetwire/agent/v1/Hello.ts';
import type { LeftProcessInput as _fleetwire_agent_v1_LeftProcessInput, LeftProcess as _fleetwire_agent_v1_LeftProcess } from './fleetwire/agent/v1/LeftProcess.ts';
import type { OutputAckInput as _fleetwire_agent_v1_OutputAckInput, OutputAck as _fleetwire_agent_v1_OutputAck } from './fleetwire/agent/v1/OutputAck.ts';
import type { OutputChunkInput as _fleetwire_agent_v1_OutputChunkInput, OutputChunk as _fleetwire_agent_v1_OutputChunk } from './fleetwire/agent/v1/OutputChunk.ts';
import type { ProfileInput as _fleetwire_agent_v1_ProfileInput, Profile as _fleetwire_agent_v1_Profile } from './fleetwire/agent/v1/Profile.ts';
import type { RefusedInput as _fleetwire_agent_v1_RefusedInput, Refused as _fleetwire_agent_v1_Refused } from './fleetwire/agent/v1/Refused.ts';
import type { ResultInput as _fleetwire_agent_v1_ResultInput, Result as _fleetwire_agent_v1_Result } from './fleetwire/agent/v1/Result.ts';
import type { ResultAckInput as _fleetwire_agent_v1_ResultAckInput, ResultAck as _fleetwire_agent_v1_ResultAck } from './fleetwire/agent/v1/ResultAck.ts';
import type { ServerMessageInput as _fleetwire_agent_v1_ServerMessageInput, ServerMessage as _fleetwire_agent_v1_ServerMessage } from './fleetwire/agent/v1/ServerMessage.ts';
import type { StartedInput as _fleetwire_agent_v1_StartedInput, Started as _fleetwire_agent_v1_Started } from './fleetwire/agent/v1/Started.ts';
import type { WelcomeInput as _fleetwire_agent_v1_WelcomeInput, Welcome as _fleetwire_agent_v1_Welcome } from './fleetwire/agent/v1/Welcome.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  fleetwire: {
    agent: {
      v1: {
        AgentMessage: MessageTypeDefinition<_fleetwire_agent_v1_AgentMessageInput, _fleetwire_agent_v1_AgentMessage>
        /**
         * What an agent's process calls.
         */
        AgentService: SubtypeConstructor<typeof grpc.Client, _fleetwire_agent_v1_AgentServiceClient> & { service: _fleetwire_agent_v1_AgentServiceDefinition }
        Assign: MessageTypeDefinition<_fleetwire_agent_v1_AssignInput, _fleetwire_agent_v1_Assign>
        Cancel: MessageTypeDefinition<_fleetwire_agent_v1_CancelInput, _fleetwire_agent_v1_Cancel>
        Challenge: MessageTypeDefinition<_fleetwire_agent_v1_ChallengeInput, _fleetwire_agent_v1_Challenge>
        CommandType: MessageTypeDefinition<_fleetwire_agent_v1_CommandTypeInput, _fleetwire_agent_v1_CommandType>
        EnrollRequest: MessageTypeDefinition<_fleetwire_agent_v1_EnrollRequestInput, _fleetwire_agent_v1_EnrollRequest>
        EnrollResponse: MessageTypeDefinition<_fleetwire_agent_v1_EnrollResponseInput, _fleetwire_agent_v1_EnrollResponse>
        Facts: MessageTypeDefinition<_fleetwire_agent_v1_FactsInput, _fleetwire_agent_v1_Facts>
        FactsAck: MessageTypeDefinition<_fleetwire_agent_v1_FactsAckInput, _fleetwire_agent_v1_FactsAck>
        GoAway: MessageTypeDefinition<_fleetwire_agent_v1_GoAwayInput, _fleetwire_agent_v1_GoAway>
        GoAwayReason: EnumTypeDefinition
        Heartbeat: MessageTypeDefinition<_fleetwire_agent_v1_HeartbeatInput, _fleetwire_agent_v1_Heartbeat>
        HeartbeatAck: MessageTypeDefinition<_fleetwire_agent_v1_HeartbeatAckInput, _fleetwire_agent_v1_HeartbeatAck>
        Held: MessageTypeDefinition<_fleetwire_agent_v1_HeldInput, _fleetwire_agent_v1_Held>
        HeldState: EnumTypeDefinition
        Hello: MessageTypeDefinition<_fleetwire_agent_v1_HelloInput, _fleetwire_agent_v1_Hello>
        LeftProcess: MessageTypeDefinition<_fleetwire_agent_v1_LeftProcessInput, _fleetwire_agent_v1_LeftProcess>
        Outcome: EnumTypeDefinition
        OutputAck: MessageTypeDefinition<_fleetwire_agent_v1_OutputAckInput, _fleetwire_agent_v1_OutputAck>
        OutputChunk: MessageTypeDefinition<_fleetwire_agent_v1_OutputChunkInput, _fleetwire_agent_v1_OutputChunk>
        Profile: MessageTypeDefinition<_fleetwire_agent_v1_ProfileInput, _fleetwire_agent_v1_Profile>
        RefusalReason: EnumTypeDefinition
        Refused: MessageTypeDefinition<_fleetwire_agent_v1_RefusedInput, _fleetwire_agent_v1_Refused>
        Result: MessageTypeDefinition<_fleetwire_agent_v1_ResultInput, _fleetwire_agent_v1_Result>
        ResultAck: MessageTypeDefinition<_fleetwire_agent_v1_ResultAckInput, _fleetwire_agent_v1_ResultAck>
        ServerMessage: MessageTypeDefinition<_fleetwire_agent_v1_ServerMessageInput, _fleetwire_agent_v1_ServerMessage>
        Started: MessageTypeDefinition<_fleetwire_agent_v1_StartedInput, _fleetwire_agent_v1_Started>
        Stream: EnumTypeDefinition
        Welcome: MessageTypeDefinition<_fleetwire_agent_v1_WelcomeInput, _fleetwire_agent_v1_Welcome>
      }
    }
  }
}

