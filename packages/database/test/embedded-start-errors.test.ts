import { createServer } from "node:net";
import { rmSync, truncateSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "@fleetwire/testbed";
import { expect, onTestFinished, test } from "vitest";
import { useEmbeddedHomes } from "./embedded-home.ts";

const homes = useEmbeddedHomes();

async function occupy(port: number): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
}

test("a given port is used", async () => {
  const port = await freePort();
  const share = await homes.open(homes.home("home"), port);
  expect(share.port).toBe(port);
});

test("a given port that is taken is an error that says by whom", async () => {
  const port = await freePort();
  await occupy(port);
  await expect(homes.open(homes.home("home"), port)).rejects.toThrow(
    new RegExp(`port ${port}.* is taken by .*\\(pid ${process.pid}\\)[^]*What to do:`),
  );
});

test("a port used before that is taken now is replaced by another", async () => {
  const home = homes.home("home");
  const before = await homes.open(home);
  await before.close();
  await occupy(before.port);
  const after = await homes.open(home);
  expect(after.port).not.toBe(before.port);
});

test("asking for another port than the one in use is an error that names the users", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  const other = await freePort();
  await expect(homes.open(home, other)).rejects.toThrow(
    `runs on port ${share.port} for the processes ${process.pid}, not on ${other}`,
  );
});

test("damaged data is an error with the server's last words and what to do", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  await share.close();
  truncateSync(join(home, "postgres", "data", "global", "pg_control"), 100);
  await expect(homes.open(home)).rejects.toThrow(/did not start[^]*pg_control[^]*What to do: the data is damaged/);
});

test("data without its record is an error, not a new cluster over it", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  await share.close();
  rmSync(join(home, "postgres", "cluster.json"));
  await expect(homes.open(home)).rejects.toThrow("which holds its passwords, is gone");
});

test("a record without its data is an error, not an empty database", async () => {
  const home = homes.home("home");
  const share = await homes.open(home);
  await share.close();
  rmSync(join(home, "postgres", "data"), { recursive: true });
  await expect(homes.open(home)).rejects.toThrow(/there is data in .*, but it is gone[^]*to begin anew/);
});
