// Generated from fleetwire/agent/v1/agent.proto by proto/generate.mjs. Do not edit.

import type { HeldInput as _fleetwire_agent_v1_HeldInput, Held as _fleetwire_agent_v1_Held } from '../../../fleetwire/agent/v1/Held.ts';
import type { ProfileInput as _fleetwire_agent_v1_ProfileInput, Profile as _fleetwire_agent_v1_Profile } from '../../../fleetwire/agent/v1/Profile.ts';
import type { Long } from '@grpc/proto-loader';

export interface HelloInput {
  'agentId'?: (string);
  /**
   * Made with the ledger file (UUID). Another ledger is another memory.
   */
  'ledgerId'?: (string);
  /**
   * The highest epoch that the agent has in its ledger; 0 for none.
   */
  'seenEpoch'?: (number | string | Long);
  /**
   * The largest assign_no that the ledger records as started or refused; 0 for none.
   */
  'highest'?: (number | string | Long);
  /**
   * At or below this assign_no the ledger may have forgotten; 0 for nothing forgotten.
   */
  'horizon'?: (number | string | Long);
  /**
   * Everything that the ledger holds above the horizon and the server hasn't acknowledged.
   */
  'held'?: (_fleetwire_agent_v1_HeldInput)[];
  'profile'?: (_fleetwire_agent_v1_ProfileInput | null);
  /**
   * Ed25519 over "fleetwire-hello-v1\n" + nonce + "\n" + agent_id + "\n" + ledger_id, by the enrolled key; 64 bytes.
   */
  'signature'?: (Buffer | Uint8Array | string);
  /**
   * Agent software version, for operators.
   */
  'version'?: (string);
  /**
   * Made at each start of the agent's process (UUID).
   */
  'bootId'?: (string);
}

export interface Hello {
  'agentId': (string);
  /**
   * Made with the ledger file (UUID). Another ledger is another memory.
   */
  'ledgerId': (string);
  /**
   * The highest epoch that the agent has in its ledger; 0 for none.
   */
  'seenEpoch': (number);
  /**
   * The largest assign_no that the ledger records as started or refused; 0 for none.
   */
  'highest': (number);
  /**
   * At or below this assign_no the ledger may have forgotten; 0 for nothing forgotten.
   */
  'horizon': (number);
  /**
   * Everything that the ledger holds above the horizon and the server hasn't acknowledged.
   */
  'held': (_fleetwire_agent_v1_Held)[];
  'profile': (_fleetwire_agent_v1_Profile | null);
  /**
   * Ed25519 over "fleetwire-hello-v1\n" + nonce + "\n" + agent_id + "\n" + ledger_id, by the enrolled key; 64 bytes.
   */
  'signature': (Buffer);
  /**
   * Agent software version, for operators.
   */
  'version': (string);
  /**
   * Made at each start of the agent's process (UUID).
   */
  'bootId': (string);
}
