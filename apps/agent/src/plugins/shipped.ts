/** Plug-ins that come with the agent, by the name that turns them on. Loaded like any other, and only when they are named. */
const shipped: Readonly<Record<string, () => Promise<{ default: unknown }>>> = {
  scan: () => import("./scan/scan.ts"),
};

export function isShipped(plugin: string): boolean {
  return Object.hasOwn(shipped, plugin);
}

/** Resolves to its default export; undefined where there is none of this name. */
export async function loadShipped(plugin: string): Promise<unknown> {
  return (await shipped[plugin]?.())?.default;
}
