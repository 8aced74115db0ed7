-- The defaults wait until a fifth of a table is dead: with a week of records that is millions of rows, and the indexes of
-- what is live (a thousandth of them) are mostly dead entries long before. So by count, whatever is stored, and without
-- the long pauses; the statistics likewise.
ALTER TABLE "commands" SET (
  autovacuum_vacuum_scale_factor = 0.005, autovacuum_vacuum_threshold = 10000,
  autovacuum_analyze_scale_factor = 0.02, autovacuum_analyze_threshold = 1000,
  autovacuum_vacuum_cost_limit = 1000);
ALTER TABLE "feed" SET (
  autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 10000,
  autovacuum_vacuum_cost_limit = 1000);
ALTER TABLE "command_output" SET (
  autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000,
  toast.autovacuum_vacuum_scale_factor = 0.02, toast.autovacuum_vacuum_threshold = 5000,
  autovacuum_vacuum_cost_limit = 1000);
ALTER TABLE "idempotency_keys" SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
-- Written with every heartbeat and every assignment, and small.
ALTER TABLE "agent_sessions" SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
ALTER TABLE "agent_ledgers" SET (autovacuum_vacuum_scale_factor = 0.05, autovacuum_vacuum_threshold = 1000);
