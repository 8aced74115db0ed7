import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { readConfig } from "../config.ts";

/** Every path of the program on PATH, in PATH's order. */
export function findAll(program: string): string[] {
  const folders = (readConfig().inheritedEnvironment["PATH"] ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).filter(isExecutable);
}

/** Path of the first program of that name on PATH. */
export function find(program: string): string | undefined {
  return findAll(program)[0];
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
