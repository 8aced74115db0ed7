import pc from "picocolors";
import { expect, test } from "vitest";
import { placesText } from "./welcome.ts";

const places = { home: "/h", httpUrl: "http://x", grpcAddress: "x:1", cliFile: "/h/cli.json", logFile: null };

test("a Valkey that was started is shown with its address and data, without its password", () => {
  const valkey = { port: 4711, dataFolder: "/h/valkey/data", url: "redis://:secret@127.0.0.1:4711" };
  const text = placesText({ ...places, valkey }, pc.createColors(false));
  expect(text).toMatch(/^ {2}store +Valkey 127\.0\.0\.1:4711, data in \/h\/valkey\/data$/m);
  expect(text).not.toContain("secret");
  expect(placesText({ ...places, valkey: null }, pc.createColors(false))).not.toContain("Valkey");
});
