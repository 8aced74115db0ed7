import { startChild } from "./children.ts";
import { startSystem } from "./commands/system.ts";
const system = await startSystem("/work/main/");
import { writeFileSync } from "node:fs"; writeFileSync("/tmp/bench-token", JSON.stringify({token: system.token, url: system.url}));
const light = startChild("./commands/light-agents.ts"), load = startChild("./commands/load.ts");
await light.ask({ address: system.grpc, joinToken: await system.joinToken(100), count: 100, prefix: "light-" });
const target = { url: system.url, grpc: system.grpc, token: system.token, agentIds: Array.from({length:100},(_, i)=>`light-${i}`), body: {type:"PING"} };
for (let i=0;i<3;i++) {
  console.log(await load.ask({ kind: "idle", ...target, count: 100, pauseMs: 10 }));
  const c0=system.serverCpuSeconds(), l0=load.cpuSeconds(), a0=light.cpuSeconds(), t0=performance.now();
  console.log(await load.ask({ kind: "flood", ...target, count: 4000, connections: 64 }));
  const s=(performance.now()-t0)/1000; console.log({server:(system.serverCpuSeconds()-c0)/s, load:(load.cpuSeconds()-l0)/s, agents:(light.cpuSeconds()-a0)/s});
}
await light.stop(); await load.stop(); await system.close(); process.exit(0);
