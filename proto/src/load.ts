import { fileURLToPath } from "node:url";
import { loadPackageDefinition } from "@grpc/grpc-js";
import { loadSync, type Options, type PackageDefinition } from "@grpc/proto-loader";
import type { ProtoGrpcType as AgentProto } from "./generated/agent.ts";
import type { ProtoGrpcType as CommandProto } from "./generated/command.ts";
import type { ProtoGrpcType as RolloutProto } from "./generated/rollout.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

// The same options as generate.mjs gives to the type generator: change both together.
const options: Options = { longs: Number, enums: String, defaults: true, oneofs: true, includeDirs: [root] };

/** Definition of `fleetwire.agent.v1`, for reflection and for adding its service to a server. */
export const agentPackage: PackageDefinition = loadSync("fleetwire/agent/v1/agent.proto", options);
/** Definition of `fleetwire.command.v1`. */
export const commandPackage: PackageDefinition = loadSync(
  ["fleetwire/command/v1/command.proto", "fleetwire/command/v1/rollout.proto"],
  options,
);

// The loader's result is untyped; the types were generated from the same files.
/* oxlint-disable typescript/no-unsafe-type-assertion */
const agentProto = loadPackageDefinition(agentPackage) as unknown as AgentProto;
const commandProto = loadPackageDefinition(commandPackage) as unknown as CommandProto & RolloutProto;
/* oxlint-enable typescript/no-unsafe-type-assertion */

/** Client constructor and service definition of `fleetwire.agent.v1.AgentService`. */
export const AgentService = agentProto.fleetwire.agent.v1.AgentService;
/** Client constructor and service definition of `fleetwire.command.v1.CommandService`. */
export const CommandService = commandProto.fleetwire.command.v1.CommandService;
/** Client constructor and service definition of `fleetwire.command.v1.RolloutService`. */
export const RolloutService = commandProto.fleetwire.command.v1.RolloutService;
