-- Commands, agents, sessions and the feed. Generated from schema.prisma, and at the end what a schema cannot say.

-- CreateTable
CREATE TABLE "commands" (
    "id" TEXT NOT NULL,
    "seq" BIGSERIAL NOT NULL,
    "company_id" TEXT NOT NULL,
    "agent_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "lane" TEXT NOT NULL,
    "command" TEXT,
    "args" JSONB,
    "parameters" JSONB NOT NULL,
    "timeout_ms" BIGINT NOT NULL,
    "priority" SMALLINT NOT NULL,
    "idempotent" BOOLEAN NOT NULL,
    "retry" JSONB,
    "traceparent" TEXT,
    "created_by" TEXT NOT NULL,
    "status" TEXT NOT NULL DEFAULT 'queued',
    "attempt" INTEGER NOT NULL DEFAULT 1,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "epoch" BIGINT,
    "ledger_id" TEXT,
    "assign_no" BIGINT,
    "queued_at" TIMESTAMPTZ(3) NOT NULL,
    "assigned_at" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "due_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "answered" BOOLEAN NOT NULL DEFAULT false,
    "exit_code" INTEGER,
    "error" TEXT,
    "error_message" TEXT,
    "duration_ms" BIGINT,
    "output_bytes" BIGINT NOT NULL DEFAULT 0,
    "output_end" BIGINT NOT NULL DEFAULT 0,
    "truncated" BOOLEAN NOT NULL DEFAULT false,
    "late_result" JSONB,

    CONSTRAINT "commands_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "command_output" (
    "command_id" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "first_byte" BIGINT NOT NULL,
    "stream" TEXT NOT NULL,
    "data" BYTEA NOT NULL,

    CONSTRAINT "command_output_pkey" PRIMARY KEY ("command_id","attempt","first_byte")
);

-- CreateTable
CREATE TABLE "idempotency_keys" (
    "company_id" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "body_hash" TEXT NOT NULL,
    "command_id" TEXT NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("company_id","key")
);

-- CreateTable
CREATE TABLE "agents" (
    "agent_id" TEXT NOT NULL,
    "company_id" TEXT NOT NULL,
    "public_key" BYTEA NOT NULL,
    "fleet" TEXT NOT NULL,
    "labels" JSONB NOT NULL DEFAULT '{}',
    "types" JSONB NOT NULL DEFAULT '[]',
    "concurrency" INTEGER NOT NULL DEFAULT 1,
    "hostname" TEXT NOT NULL DEFAULT '',
    "platform" TEXT NOT NULL DEFAULT '',
    "version" TEXT NOT NULL DEFAULT '',
    "draining" BOOLEAN NOT NULL DEFAULT false,
    "facts" JSONB,
    "enrolled_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "agents_pkey" PRIMARY KEY ("agent_id")
);

-- CreateTable
CREATE TABLE "agent_sessions" (
    "agent_id" TEXT NOT NULL,
    "company_id" TEXT NOT NULL,
    "epoch" BIGINT NOT NULL DEFAULT 0,
    "ledger_id" TEXT,
    "boot_id" TEXT,
    "server_id" TEXT,
    "connected" BOOLEAN NOT NULL DEFAULT false,
    "assign_no" BIGINT NOT NULL DEFAULT 0,
    "seen_at" TIMESTAMPTZ(3),
    "connected_at" TIMESTAMPTZ(3),
    "disconnected_at" TIMESTAMPTZ(3),
    "disconnect_reason" TEXT,
    "disconnect_detail" TEXT,
    "running" INTEGER,
    "load1" DOUBLE PRECISION,
    "free_memory_bytes" BIGINT,

    CONSTRAINT "agent_sessions_pkey" PRIMARY KEY ("agent_id")
);

-- CreateTable
CREATE TABLE "agent_ledgers" (
    "agent_id" TEXT NOT NULL,
    "ledger_id" TEXT NOT NULL,
    "highest" BIGINT NOT NULL DEFAULT 0,
    "first_seen" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "agent_ledgers_pkey" PRIMARY KEY ("agent_id","ledger_id")
);

-- CreateTable
CREATE TABLE "join_tokens" (
    "token_id" TEXT NOT NULL,
    "company_id" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "fleet" TEXT NOT NULL,
    "agent_id" TEXT,
    "uses_left" INTEGER NOT NULL,
    "created_by" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_up_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),

    CONSTRAINT "join_tokens_pkey" PRIMARY KEY ("token_id")
);

-- CreateTable
CREATE TABLE "servers" (
    "server_id" TEXT NOT NULL,
    "seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "servers_pkey" PRIMARY KEY ("server_id")
);

-- CreateTable
CREATE TABLE "feed" (
    "xid" BIGINT NOT NULL DEFAULT ((pg_current_xact_id())::text)::bigint,
    "seq" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "kind" TEXT NOT NULL,
    "company_id" TEXT NOT NULL,
    "agent_id" TEXT NOT NULL,
    "command_id" TEXT,
    "revision" INTEGER,
    "data" JSONB NOT NULL,

    CONSTRAINT "feed_pkey" PRIMARY KEY ("xid","seq")
);

-- CreateTable
CREATE TABLE "feed_floor" (
    "id" INTEGER NOT NULL DEFAULT 1,
    "xid" BIGINT NOT NULL,
    "seq" BIGINT NOT NULL,

    CONSTRAINT "feed_floor_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE INDEX "commands_dispatch" ON "commands"("agent_id", "company_id", "lane", "priority" DESC, "seq") WHERE (status = 'queued'::text);

-- CreateIndex
CREATE INDEX "commands_assigned" ON "commands"("agent_id") WHERE (status = 'assigned'::text);

-- CreateIndex
CREATE INDEX "commands_due" ON "commands"("due_at") WHERE (status = ANY (ARRAY['queued'::text, 'assigned'::text]));

-- CreateIndex
CREATE INDEX "commands_finished" ON "commands"("finished_at") WHERE (finished_at IS NOT NULL);

-- CreateIndex
CREATE INDEX "commands_by_company" ON "commands"("company_id", "id" DESC);

-- CreateIndex
CREATE INDEX "commands_by_agent" ON "commands"("company_id", "agent_id", "id" DESC);

-- CreateIndex
CREATE INDEX "idempotency_keys_by_command" ON "idempotency_keys"("command_id");

-- CreateIndex
CREATE INDEX "agents_by_company" ON "agents"("company_id", "agent_id");

-- CreateIndex
CREATE INDEX "agent_sessions_connected" ON "agent_sessions"("server_id") WHERE (connected);

-- CreateIndex
CREATE UNIQUE INDEX "join_tokens_by_hash" ON "join_tokens"("token_hash");

-- CreateIndex
CREATE INDEX "join_tokens_by_company" ON "join_tokens"("company_id", "token_id" DESC);

-- AddForeignKey
ALTER TABLE "agent_sessions" ADD CONSTRAINT "agent_sessions_agent_id_fkey" FOREIGN KEY ("agent_id") REFERENCES "agents"("agent_id") ON DELETE CASCADE ON UPDATE CASCADE;


-- Rows that are written again and again keep room on their page, so that the new version stays beside the old one.
ALTER TABLE "commands" SET (fillfactor = 85);
ALTER TABLE "agent_sessions" SET (fillfactor = 50);
ALTER TABLE "agent_ledgers" SET (fillfactor = 70);

ALTER TABLE "commands" ADD CONSTRAINT "commands_status" CHECK ("status" IN ('queued', 'assigned', 'completed', 'failed', 'timeout', 'cancelled', 'expired'));
ALTER TABLE "commands" ADD CONSTRAINT "commands_priority" CHECK ("priority" BETWEEN 0 AND 10);
ALTER TABLE "commands" ADD CONSTRAINT "commands_lane" CHECK ("lane" IN ('work', 'control'));

INSERT INTO "feed_floor" ("id", "xid", "seq") VALUES (1, 0, 0);
