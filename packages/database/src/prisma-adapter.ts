import { PrismaPg } from "@prisma/adapter-pg";
import type { Database } from "./database.ts";

/** For `new PrismaClient({ adapter })`: over the same pool, which stays ours (`$disconnect` doesn't close it). */
export function prismaAdapter(database: Database): PrismaPg {
  return new PrismaPg(database.pool, { disposeExternalPool: false });
}
