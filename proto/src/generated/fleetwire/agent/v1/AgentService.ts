// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AgentMessageInput as _fleetwire_agent_v1_AgentMessageInput, AgentMessage as _fleetwire_agent_v1_AgentMessage } from '../../../fleetwire/agent/v1/AgentMessage.ts';
import type { EnrollRequestInput as _fleetwire_agent_v1_EnrollRequestInput, EnrollRequest as _fleetwire_agent_v1_EnrollRequest } from '../../../fleetwire/agent/v1/EnrollRequest.ts';
import type { EnrollResponseInput as _fleetwire_agent_v1_EnrollResponseInput, EnrollResponse as _fleetwire_agent_v1_EnrollResponse } from '../../../fleetwire/agent/v1/EnrollResponse.ts';
import type { ServerMessageInput as _fleetwire_agent_v1_ServerMessageInput, ServerMessage as _fleetwire_agent_v1_ServerMessage } from '../../../fleetwire/agent/v1/ServerMessage.ts';

/**
 * What an agent's process calls.
 */
export interface AgentServiceClient extends grpc.Client {
  /**
   * One live session. The server speaks first (Challenge), the agent answers with Hello, the server with Welcome; a
   * stream that isn't welcomed ends with UNAUTHENTICATED (`agent_unknown`, `invalid_signature`, `agent_revoked`),
   * FAILED_PRECONDITION `agent_id_in_use`, DEADLINE_EXCEEDED `hello_timeout`, INVALID_ARGUMENT `protocol_error` or
   * UNAVAILABLE (`overloaded`, `server_stopping`).
   * 
   * An agent treats every end of the stream, CANCELLED included, as "connect again", except where GoAway says not to.
   */
  Connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_fleetwire_agent_v1_AgentMessageInput, _fleetwire_agent_v1_ServerMessage>;
  Connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_fleetwire_agent_v1_AgentMessageInput, _fleetwire_agent_v1_ServerMessage>;
  /**
   * One live session. The server speaks first (Challenge), the agent answers with Hello, the server with Welcome; a
   * stream that isn't welcomed ends with UNAUTHENTICATED (`agent_unknown`, `invalid_signature`, `agent_revoked`),
   * FAILED_PRECONDITION `agent_id_in_use`, DEADLINE_EXCEEDED `hello_timeout`, INVALID_ARGUMENT `protocol_error` or
   * UNAVAILABLE (`overloaded`, `server_stopping`).
   * 
   * An agent treats every end of the stream, CANCELLED included, as "connect again", except where GoAway says not to.
   */
  connect(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_fleetwire_agent_v1_AgentMessageInput, _fleetwire_agent_v1_ServerMessage>;
  connect(options?: grpc.CallOptions): grpc.ClientDuplexStream<_fleetwire_agent_v1_AgentMessageInput, _fleetwire_agent_v1_ServerMessage>;
  
  /**
   * Trades a join token for the right to connect as one agent id. The agent keeps the private key of `public_key`.
   * 
   * Errors: UNAUTHENTICATED `join_token_invalid` (unknown, used up, expired or revoked; the answer doesn't say which),
   * ALREADY_EXISTS `agent_id_taken` (the id is bound to another key), INVALID_ARGUMENT `invalid_request`,
   * RESOURCE_EXHAUSTED `too_many_attempts`. The code is in the metadata `fleetwire-code`, here and in Connect.
   */
  Enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  Enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  Enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  Enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  /**
   * Trades a join token for the right to connect as one agent id. The agent keeps the private key of `public_key`.
   * 
   * Errors: UNAUTHENTICATED `join_token_invalid` (unknown, used up, expired or revoked; the answer doesn't say which),
   * ALREADY_EXISTS `agent_id_taken` (the id is bound to another key), INVALID_ARGUMENT `invalid_request`,
   * RESOURCE_EXHAUSTED `too_many_attempts`. The code is in the metadata `fleetwire-code`, here and in Connect.
   */
  enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, metadata: grpc.Metadata, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, options: grpc.CallOptions, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  enroll(argument: _fleetwire_agent_v1_EnrollRequestInput, callback: grpc.requestCallback<_fleetwire_agent_v1_EnrollResponse>): grpc.ClientUnaryCall;
  
}

/**
 * What an agent's process calls.
 */
export interface AgentServiceHandlers extends grpc.UntypedServiceImplementation {
  /**
   * One live session. The server speaks first (Challenge), the agent answers with Hello, the server with Welcome; a
   * stream that isn't welcomed ends with UNAUTHENTICATED (`agent_unknown`, `invalid_signature`, `agent_revoked`),
   * FAILED_PRECONDITION `agent_id_in_use`, DEADLINE_EXCEEDED `hello_timeout`, INVALID_ARGUMENT `protocol_error` or
   * UNAVAILABLE (`overloaded`, `server_stopping`).
   * 
   * An agent treats every end of the stream, CANCELLED included, as "connect again", except where GoAway says not to.
   */
  Connect: grpc.handleBidiStreamingCall<_fleetwire_agent_v1_AgentMessage, _fleetwire_agent_v1_ServerMessageInput>;
  
  /**
   * Trades a join token for the right to connect as one agent id. The agent keeps the private key of `public_key`.
   * 
   * Errors: UNAUTHENTICATED `join_token_invalid` (unknown, used up, expired or revoked; the answer doesn't say which),
   * ALREADY_EXISTS `agent_id_taken` (the id is bound to another key), INVALID_ARGUMENT `invalid_request`,
   * RESOURCE_EXHAUSTED `too_many_attempts`. The code is in the metadata `fleetwire-code`, here and in Connect.
   */
  Enroll: grpc.handleUnaryCall<_fleetwire_agent_v1_EnrollRequest, _fleetwire_agent_v1_EnrollResponseInput>;
  
}

export interface AgentServiceDefinition extends grpc.ServiceDefinition {
  Connect: MethodDefinition<_fleetwire_agent_v1_AgentMessageInput, _fleetwire_agent_v1_ServerMessageInput, _fleetwire_agent_v1_AgentMessage, _fleetwire_agent_v1_ServerMessage>
  Enroll: MethodDefinition<_fleetwire_agent_v1_EnrollRequestInput, _fleetwire_agent_v1_EnrollResponseInput, _fleetwire_agent_v1_EnrollRequest, _fleetwire_agent_v1_EnrollResponse>
}
