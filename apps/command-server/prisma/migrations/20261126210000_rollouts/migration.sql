-- Rollouts: one request that became many commands. Generated from schema.prisma, and at the end what a schema cannot say.

-- AlterTable
ALTER TABLE "commands" ADD COLUMN     "rollout_id" TEXT;

-- AlterTable
ALTER TABLE "idempotency_keys" ADD COLUMN     "rollout_id" TEXT,
ALTER COLUMN "command_id" DROP NOT NULL;

-- CreateTable
CREATE TABLE "rollouts" (
    "id" TEXT NOT NULL,
    "company_id" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'running',
    "template" JSONB NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "max_concurrency" INTEGER,
    "max_errors" INTEGER,
    "selection" JSONB NOT NULL,
    "unable" INTEGER NOT NULL,
    "retry_of" TEXT,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "targets" INTEGER NOT NULL,
    "next_position" INTEGER NOT NULL DEFAULT 0,
    "settled_at" TIMESTAMPTZ(3),
    "final_counts" JSONB,

    CONSTRAINT "rollouts_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "rollout_targets" (
    "rollout_id" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "agent_id" TEXT NOT NULL,
    "command_id" TEXT NOT NULL,

    CONSTRAINT "rollout_targets_pkey" PRIMARY KEY ("rollout_id","position")
);

-- CreateIndex
CREATE INDEX "rollouts_by_company" ON "rollouts"("company_id", "id" DESC);

-- CreateIndex
CREATE INDEX "rollouts_settled" ON "rollouts"("settled_at");

-- CreateIndex
CREATE INDEX "commands_by_rollout" ON "commands"("rollout_id", "status") WHERE (rollout_id IS NOT NULL);

-- CreateIndex
CREATE INDEX "idempotency_keys_by_rollout" ON "idempotency_keys"("rollout_id") WHERE (rollout_id IS NOT NULL);


ALTER TABLE "rollouts" ADD CONSTRAINT "rollouts_status" CHECK ("status" IN ('running', 'completed', 'halted', 'stopped'));
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_holder" CHECK (num_nonnulls("command_id", "rollout_id") = 1);
-- Written with every step, and small.
ALTER TABLE "rollouts" SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
-- Comes and goes by thousands of rows.
ALTER TABLE "rollout_targets" SET (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000);
