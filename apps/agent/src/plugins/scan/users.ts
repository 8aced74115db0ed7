import { readFile } from "node:fs/promises";
import { bounded, type Found, tidy, type UserAccount } from "./document.ts";

const mostUsers = 2_000;

/** The machine's own accounts, in the order of the file; those of a directory service aren't in it. */
export async function scanUsers(): Promise<Found<UserAccount>> {
  return bounded(parsePasswd(await readFile("/etc/passwd", "utf8")), mostUsers);
}

/** See passwd(5). Lines that aren't accounts (comments, `+` of NIS, broken ones) are left out; passwords never read. */
export function parsePasswd(text: string): UserAccount[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const [name = "", , uid = "", gid = "", , home = "", shell = ""] = line.split(":");
    if (!/^[^#+\-\s][^\s]*$/.test(name) || !/^\d{1,10}$/.test(uid) || !/^\d{1,10}$/.test(gid)) return [];
    return [{ name: tidy(name), uid: Number(uid), gid: Number(gid), home: tidy(home), shell: tidy(shell) }];
  });
}
