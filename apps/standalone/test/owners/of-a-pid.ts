// Run by valkey.test.ts: a process whose pid a file names by accident. It says which signals reach it.
const say = (line: string) => process.stdout.write(`${line}\n`);
process.on("SIGTERM", () => say("told to end"));
process.on("SIGUSR2", () => say("alive"));
setInterval(() => {}, 60_000);
say("up");
