/** `npm run test:long`: the fault tests in their full length. */
const long = process.env["FLEETWIRE_TEST_LONG"] === "1";

/** Whether the tests run in their full length. */
export const fullLength = long;

/** How often a fault is repeated: the short form in `npm test`, the full one in `npm run test:long`. */
export function rounds(short: number, full: number): number {
  return long ? full : short;
}
