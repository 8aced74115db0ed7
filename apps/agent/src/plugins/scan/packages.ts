import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { bounded, type Found, type InstalledPackage, tidy } from "./document.ts";

const run = promisify(execFile);

const dpkgStatus = "/var/lib/dpkg/status";
const apkInstalled = "/lib/apk/db/installed";
const rpmFormat = "%{NAME}\\t%{VERSION}-%{RELEASE}\\t%{ARCH}\\n";
const largestFile = 64 * 1024 * 1024;

/** Sorted by name. Throws where the machine has none of the package managers that this knows. */
export async function scanPackages(most: number, signal: AbortSignal): Promise<Found<InstalledPackage>> {
  const lists = [
    await readList(dpkgStatus, parseDpkgStatus, signal),
    await readList(apkInstalled, parseApkInstalled, signal),
    await askRpm(signal),
  ].filter((list) => list !== null);
  if (lists.length === 0) throw new Error("there is no package list of dpkg, apk or rpm");
  return bounded(
    lists.flat().toSorted((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))),
    most,
  );
}

/** Null where there is no such file. */
async function readList(
  path: string,
  parse: (text: string) => InstalledPackage[],
  signal: AbortSignal,
): Promise<InstalledPackage[] | null> {
  const found = await stat(path).catch(() => null);
  if (found === null) return null;
  if (found.size > largestFile) throw new Error(`${path} is larger than 64 MiB`);
  return parse(await readFile(path, { encoding: "utf8", signal }));
}

/** Null where there is no rpm. Its database can't be read without it. */
async function askRpm(signal: AbortSignal): Promise<InstalledPackage[] | null> {
  try {
    const { stdout } = await run("rpm", ["-qa", "--qf", rpmFormat], { signal, maxBuffer: largestFile });
    return parseRpmQuery(stdout);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw error;
  }
}

/** /var/lib/dpkg/status, see deb-status(5): paragraphs of fields; continued lines begin with a blank. */
export function parseDpkgStatus(text: string): InstalledPackage[] {
  return paragraphs(text).flatMap((lines) => {
    const fields = new Map<string, string>();
    for (const line of lines) {
      const at = line.indexOf(":");
      if (at > 0 && !/^\s/.test(line)) fields.set(line.slice(0, at).toLowerCase(), line.slice(at + 1).trim());
    }
    // "install ok installed"; others are removed, half installed, or only configured.
    const installed = fields.get("status")?.split(/\s+/)[2] === "installed";
    const name = fields.get("package");
    if (!installed || !name) return [];
    return [toPackage("dpkg", name, fields.get("version"), fields.get("architecture"))];
  });
}

/** /lib/apk/db/installed: paragraphs of one-letter fields. */
export function parseApkInstalled(text: string): InstalledPackage[] {
  return paragraphs(text).flatMap((lines) => {
    const field = (letter: string) => lines.find((line) => line.startsWith(`${letter}:`))?.slice(2);
    const name = field("P");
    return name ? [toPackage("apk", name, field("V"), field("A"))] : [];
  });
}

/** What rpm prints for `rpmFormat`. Imported keys are listed as packages that have no architecture. */
export function parseRpmQuery(text: string): InstalledPackage[] {
  return text.split("\n").flatMap((line) => {
    const [name, version, arch] = line.split("\t");
    return name && version && arch && arch !== "(none)" ? [toPackage("rpm", name, version, arch)] : [];
  });
}

function paragraphs(text: string): string[][] {
  return text.split(/\r?\n(?:[ \t]*\r?\n)+/).map((paragraph) => paragraph.split(/\r?\n/));
}

function toPackage(
  manager: InstalledPackage["manager"],
  name: string,
  version: string | undefined,
  arch: string | undefined,
): InstalledPackage {
  return { manager, name: tidy(name), version: tidy(version ?? ""), arch: tidy(arch ?? "") };
}
