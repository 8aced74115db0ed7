import { startPostgres, startRabbitMQ, type TestPostgres, type TestRabbitMQ } from "@fleetwire/testbed";
import { afterAll, beforeAll, expect, test } from "vitest";
import { codeBlocks, programFolder, runProgram } from "./code-blocks.ts";

// Each example of docs/messaging.md is a program: the first one, and then itself.
const [first, ...others] = codeBlocks("docs/messaging.md");
if (first === undefined) throw new Error("the guide has no examples");
const programs = programFolder();
const examples = [first, ...others].map((block, at) => ({
  title: `${at + 1}, ${block.heading}`,
  file: programs.write(`example-${at + 1}.ts`, block === first ? first.code : `${first.code}\n${block.code}`),
  prints: block === first ? first.prints : [...first.prints, ...block.prints],
}));

let broker: TestRabbitMQ;
let postgres: TestPostgres;
beforeAll(async () => {
  [broker, postgres] = await Promise.all([startRabbitMQ(), startPostgres()]);
}, 300_000);
afterAll(async () => {
  programs.remove();
  await Promise.all([broker.close(), postgres.close()]);
});

test("every example type-checks", async () => {
  expect(examples.length).toBeGreaterThan(15);
  expect(await programs.check()).toBe("");
});

test.each(examples)("example $title: it prints what stands below it, and ends in order", async ({ file, prints }) => {
  const { url } = await broker.createVhost();
  const management = new URL(broker.managementUrl);
  management.username = broker.user;
  management.password = broker.password;
  const env = {
    SIRIUS_RABBITMQ: url,
    RABBITMQ_MANAGEMENT_URL: management.toString(),
    DATABASE_URL: await postgres.createDatabase(),
  };
  expect(prints.length).toBeGreaterThan(0);
  expect(await runProgram(file, env, prints.length)).toEqual(prints);
});
