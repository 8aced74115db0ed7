/** A PostgreSQL URL on loopback; `database` left out: the server's. */
export function loopbackUrl(o: { user: string; password: string; port: number; database?: string }): string {
  return `postgresql://${o.user}:${o.password}@127.0.0.1:${o.port}${o.database === undefined ? "" : `/${o.database}`}`;
}
