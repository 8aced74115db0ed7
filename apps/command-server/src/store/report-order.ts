import type { Dispatch } from "./port/dispatch.ts";

type OutputReports = Pick<Dispatch, "appendOutput" | "result">;

/**
 * A result waits for the output that came before it, and fails with it: its tail follows on that, and no output is
 * taken once the run has ended.
 */
export function inOrderOfOutput({ appendOutput, result }: OutputReports): OutputReports {
  const appending = new Map<string, Promise<unknown>>();
  return {
    async result(report) {
      await appending.get(report.commandId);
      return result(report);
    },
    appendOutput(report) {
      const appended = appendOutput(report);
      const forget = () => {
        if (appending.get(report.commandId) === appended) appending.delete(report.commandId);
      };
      appending.set(report.commandId, appended);
      appended.then(forget, forget);
      return appended;
    },
  };
}
