// Preloaded into a process (`--import`): its wall clock is wrong by FLEETWIRE_TEST_CLOCK_SHIFT_MS, nothing else is.
const shiftMs = Number(process.env["FLEETWIRE_TEST_CLOCK_SHIFT_MS"]);
if (!Number.isFinite(shiftMs)) throw new Error("FLEETWIRE_TEST_CLOCK_SHIFT_MS isn't a number");

const RightDate = Date;
const shiftedNow = (): number => RightDate.now() + shiftMs;

globalThis.Date = new Proxy(RightDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length === 0 ? [shiftedNow()] : args, newTarget),
  apply: () => new RightDate(shiftedNow()).toString(),
  get: (target, name, receiver) => (name === "now" ? shiftedNow : Reflect.get(target, name, receiver)),
});
