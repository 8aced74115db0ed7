const size = 1_024;

/** 1 KiB of bytes, which travel as they are. */
export const bytes = Buffer.alloc(size, "fleetwire ");

/** A value whose JSON has 1 KiB: a few fields of each kind, and a text that fills it up. */
export const json = filled({
  orderId: "0198c2f4-7d3a-7bb1-9a41-3d5c8f2e6a70",
  createdAt: "2026-01-31T12:00:00.000Z",
  total: 1_299.95,
  paid: true,
  customer: { id: 48_213, name: "Åsa Lindqvist", country: "SE" },
  lines: Array.from({ length: 8 }, (_, at) => ({ sku: `SKU-${1_000 + at}`, quantity: at + 1, price: 19.5 + at })),
  note: "",
});

function filled<T extends { note: string }>(value: T): T {
  return { ...value, note: "x".repeat(size - Buffer.byteLength(JSON.stringify(value))) };
}
