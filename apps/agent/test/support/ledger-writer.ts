/** Writes runs to the ledger named by its argument for ever, and prints each number when its write is said to be safe. */
import { writeSync } from "node:fs";
import { createLogger } from "@fleetwire/service";
import { openLedger } from "../../src/ledger/ledger.ts";

const ledger = await openLedger({
  path: process.argv[2] ?? "",
  log: createLogger({ service: "writer", level: "silent" }),
});
for (let assignNo = 1; ; assignNo += 4) {
  await Promise.all(
    [0, 1, 2, 3].map(async (n) => {
      const number = assignNo + n;
      const run = { commandId: `c${number}`, attempt: 1, assignNo: number, type: "SHELL", acceptedAt: number };
      await ledger.accept(run);
      writeSync(1, `${number}\n`);
    }),
  );
}
