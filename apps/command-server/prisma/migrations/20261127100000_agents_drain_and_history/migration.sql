-- Agents that operators take out of service, the history of their sessions, the age of their facts, and what commands leave running.

ALTER TABLE "commands" ADD COLUMN "left_running" JSONB;

ALTER TABLE "agents" ADD COLUMN "facts_at" TIMESTAMPTZ(3);

ALTER TABLE "agent_sessions" ADD COLUMN "sessions" BIGINT NOT NULL DEFAULT 0;
ALTER TABLE "agent_sessions" ADD COLUMN "drain_requested_at" TIMESTAMPTZ(3);

CREATE TABLE "agent_session_log" (
    "agent_id" TEXT NOT NULL,
    "slot" SMALLINT NOT NULL,
    "epoch" BIGINT NOT NULL,
    "server_id" TEXT NOT NULL,
    "connected_at" TIMESTAMPTZ(3) NOT NULL,
    "disconnected_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "detail" TEXT,

    CONSTRAINT "agent_session_log_pkey" PRIMARY KEY ("agent_id","slot")
);

CREATE INDEX "agent_session_log_ended" ON "agent_session_log"("disconnected_at");

-- Its rows are written again and again, once an agent's ring is full.
ALTER TABLE "agent_session_log" SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 5000);
