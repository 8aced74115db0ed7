import { isConnectionError, prismaAdapter, type Database } from "@fleetwire/database";
import { PrismaClient } from "../../generated/prisma/client.ts";
import { unavailable } from "../errors.ts";

/** Reads for operators' lists: through Prisma, where a statement of our own would only repeat the schema. */
export interface PrismaReads {
  /** Rejects with `store_unavailable` when the database is out of reach. */
  read: <R>(query: (prisma: PrismaClient) => Promise<R>) => Promise<R>;
  close(): Promise<void>;
}

/** Can't reach the server, timed out, connection closed, no connection from the pool. */
const outages = new Set(["P1001", "P1002", "P1008", "P1017", "P2024"]);

export function createPrismaReads(database: Database): PrismaReads {
  const prisma = new PrismaClient({ adapter: prismaAdapter(database) });
  return {
    async read(query) {
      try {
        return await query(prisma);
      } catch (error) {
        const { code } = error as { code?: unknown };
        const isOutage = (typeof code === "string" && outages.has(code)) || isConnectionError(error);
        throw isOutage ? unavailable(error) : error;
      }
    },
    close: () => prisma.$disconnect(),
  };
}
