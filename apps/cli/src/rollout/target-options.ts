import { type Command, InvalidArgumentError } from "commander";
import type { Selector } from "../api/request.ts";
import { usageFailure } from "../failure.ts";

/** Whom a rollout is for. */
export interface TargetOptions {
  fleet?: string;
  label?: Record<string, string>;
  capability?: string[];
  online?: boolean;
  all?: boolean;
}

export function addTargetOptions(command: Command): Command {
  return command
    .option("--fleet <fleet>", "agents of this fleet")
    .option("--label <key=value>", "agents with this label; repeated: with all of them", addLabel)
    .option("--capability <type>", "agents that offer this type of command; repeated: all of them", addOne)
    .option("--online", "of these, only those that are connected now")
    .option("--all", "every agent of the company, where nothing else is said");
}

/** Throws a CliFailure (64) where nothing is said: everybody is never meant by an oversight. */
export function readSelector({ fleet, label, capability, online, all }: TargetOptions): Selector {
  const isNarrowed = fleet !== undefined || label !== undefined || capability !== undefined;
  if (!isNarrowed && !all) throw usageFailure("whom is it for? --fleet, --label or --capability says so, or --all");
  if (isNarrowed && all) throw usageFailure("--all is for where no --fleet, --label or --capability is given");
  return {
    ...(fleet === undefined ? {} : { fleet }),
    ...(label === undefined ? {} : { labels: label }),
    ...(capability === undefined ? {} : { capabilities: capability }),
    ...(online ? { online } : {}),
  };
}

function addLabel(text: string, before: Record<string, string> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError(`"${text}" isn't key=value.`);
  const key = text.slice(0, equals);
  if (Object.hasOwn(before, key)) throw new InvalidArgumentError(`The label "${key}" is given twice.`);
  return { ...before, [key]: text.slice(equals + 1) };
}

function addOne(text: string, before: string[] = []): string[] {
  return [...before, text];
}
