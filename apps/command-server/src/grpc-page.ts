/** What a message may hold, less some room for what stands around it. */
const largestPage = 3.5 * 1024 * 1024;

/**
 * A page that fits into one message: where it doesn't, it is read again with half as many items, and its cursor goes on
 * from there.
 */
export async function fittingPage<Response>(
  limit: number,
  read: (limit: number) => Promise<Response>,
  serialize: (response: Response) => Buffer,
): Promise<Response> {
  const page = await read(limit);
  if (limit === 1 || serialize(page).length <= largestPage) return page;
  return fittingPage(Math.ceil(limit / 2), read, serialize);
}
