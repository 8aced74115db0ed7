/**
 * How the embedded server runs: durable as in production, sized for one machine with a handful of services.
 * `fsync`, `synchronous_commit` and `full_page_writes` keep their default, on: an acknowledged commit survives a power cut.
 */
export const serverSettings: readonly string[] = [
  // TCP on loopback with a password is the only way in.
  "listen_addresses=127.0.0.1",
  "unix_socket_directories=",
  // Services' pools hold 10 connections each; 5 more are kept for the keepers, which log in as superuser.
  "max_connections=105",
  "superuser_reserved_connections=5",
  "shared_buffers=128MB",
  // Nothing replicates from it. Minimal WAL is less of it, and a faster start.
  "wal_level=minimal",
  "max_wal_senders=0",
  "max_logical_replication_workers=0",
  // The first change of a page after a checkpoint writes the whole page: checkpoint seldom. (wal_compression gained nothing measurable on small commits.)
  "checkpoint_timeout=15min",
  "max_wal_size=2GB",
  // Short queries on a few cores gain nothing from these, and each costs time or processes.
  "jit=off",
  "io_method=sync",
  "max_parallel_workers_per_gather=0",
  // Queue-like tables: many short-lived rows; look for them often.
  "autovacuum_naptime=15s",
  // A client whose machine or process vanished gives its locks back within half a minute.
  "tcp_keepalives_idle=15",
  "tcp_keepalives_interval=5",
  "tcp_keepalives_count=3",
  "client_connection_check_interval=5s",
  "timezone=UTC",
  "log_timezone=UTC",
  "log_line_prefix=%m [%p] %q%a ",
  "log_checkpoints=off",
];
