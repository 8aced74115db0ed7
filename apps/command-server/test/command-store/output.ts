import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { OutputPiece, RunKey, StoredOutput } from "../../src/store/command-store.ts";
import { enrolAgent, exited, useStore, type OpenStore, type TestAgent } from "./fixture.ts";

const piece = (offset: number, data: string, stream: OutputPiece["stream"] = "stdout") => ({
  offset,
  stream,
  data: Buffer.from(data),
});
const textOf = ({ pieces }: StoredOutput) => pieces.map(({ data }) => data.toString()).join("");

export function describeOutput(open: OpenStore): void {
  describe("output", () => {
    const under = useStore(open, { outputHeadBytes: 100, outputTailBytes: 100 });

    async function started(): Promise<{
      agent: TestAgent;
      key: RunKey;
      append: (p: OutputPiece) => Promise<number | null>;
    }> {
      const agent = await enrolAgent(under.store);
      await agent.connect();
      const key = await agent.start();
      return { agent, key, append: (p) => under.store.appendOutput({ ...key, ...p }) };
    }

    async function read(agent: TestAgent, key: RunKey, from = 0, maxBytes = 1_000_000): Promise<StoredOutput> {
      const output = await under.store.readOutput(agent.companyId, key.commandId, from, maxBytes);
      if (output === null) throw new Error("there is no such command");
      return output;
    }

    it("keeps both streams in the order of arrival", async () => {
      const { agent, key, append } = await started();
      expect(await read(agent, key)).toEqual({ pieces: [], end: 0, next: null, attempt: 1, truncated: false });
      const chunks = [piece(0, "out "), piece(4, "err ", "stderr"), piece(8, "out")];
      const ends = await Promise.all(chunks.map(append));
      // Of its own piece at least; further where they were stored together.
      chunks.forEach(({ offset, data }, n) => expect(ends[n]).toBeGreaterThanOrEqual(offset + data.length));
      expect(ends.at(-1)).toBe(11);
      expect(await read(agent, key)).toEqual({ pieces: chunks, end: 11, next: null, attempt: 1, truncated: false });
      expect((await agent.command(key.commandId)).status).toBe("assigned");
    });

    it("appends at its own end: what it has is trimmed, a hole stays one", async () => {
      const { agent, key, append } = await started();
      expect(await append(piece(0, "0123456789"))).toBe(10);
      expect(await append(piece(5, "56789abc"))).toBe(13);
      expect(await append(piece(0, "XXXXX"))).toBe(13);
      expect(await append(piece(13, ""))).toBe(13);
      expect(await read(agent, key)).toMatchObject({ end: 13, truncated: false });
      expect(await append(piece(20, "def"))).toBe(23);
      const output = await read(agent, key);
      expect(textOf(output)).toBe("0123456789abcdef");
      expect(output.pieces.at(-1)?.offset).toBe(20);
      expect(output).toMatchObject({ end: 23, truncated: true });
    });

    it("appends the end that comes with the result, and is complete then", async () => {
      const { agent, key, append } = await started();
      const appended = append(piece(0, "first "));
      await under.store.result(exited(key, { outputBytes: 11, tail: [piece(3, "st last"), piece(10, "!", "stderr")] }));
      expect(await appended).toBe(6);
      expect(textOf(await read(agent, key))).toBe("first last!");
      expect((await agent.command(key.commandId)).result).toMatchObject({ outputBytes: 11, truncated: false });
      expect(await append(piece(11, "more"))).toBeNull();
      expect((await read(agent, key)).end).toBe(11);
    });

    it("says that it is truncated when the agent had more than it sent", async () => {
      const { agent, key } = await started();
      await under.store.result(exited(key, { outputBytes: 500, tail: [piece(0, "some")] }));
      expect((await agent.command(key.commandId)).result).toMatchObject({ outputBytes: 500, truncated: true });
    });

    it("keeps the first and the last bytes of what is long, and drops what lies between", async () => {
      const { agent, key, append } = await started();
      const whole = Array.from({ length: 200 }, (_, n) => `line ${String(n).padStart(3, "0")}\n`).join("");
      for (let at = 0; at < whole.length; at += 30) await append(piece(at, whole.slice(at, at + 30)));
      const output = await read(agent, key);
      expect(output).toMatchObject({ end: whole.length, truncated: true, next: null });
      expect(textOf({ ...output, pieces: output.pieces.filter(({ offset }) => offset < 100) })).toBe(
        whole.slice(0, 100),
      );
      const tail = textOf({ ...output, pieces: output.pieces.filter(({ offset }) => offset >= 100) });
      expect(whole.endsWith(tail)).toBe(true);
      expect(tail.length).toBeGreaterThanOrEqual(100);
      expect(tail.length).toBeLessThan(130);
    });

    it("bounds one huge report like many small ones", async () => {
      const { agent, key } = await started();
      const huge = Buffer.alloc(3_000_000, "x");
      await under.store.result(
        exited(key, { outputBytes: huge.length, tail: [{ offset: 0, stream: "stdout", data: huge }] }),
      );
      const output = await read(agent, key);
      expect(output).toMatchObject({ end: huge.length, truncated: true });
      expect(textOf(output).length).toBeLessThan(100 + 100 + 65_536);
    });

    it("is read in steps of any size", async () => {
      const { agent, key, append } = await started();
      const whole = "abcdefghijklmnopqrstuvwxyz";
      for (let at = 0; at < whole.length; at += 5)
        await append(piece(at, whole.slice(at, at + 5), at % 2 ? "stderr" : "stdout"));
      for (const step of [1, 4, 5, 7, 26, 100]) {
        let text = "";
        let next: number | null = 0;
        while (next !== null) {
          const output: StoredOutput = await read(agent, key, next, step);
          expect(textOf(output).length).toBeLessThanOrEqual(step);
          expect(output.pieces[0]?.offset).toBe(next);
          text += textOf(output);
          next = output.next;
        }
        expect(text).toBe(whole);
      }
      expect(await read(agent, key, 26, 10)).toMatchObject({ pieces: [], end: 26, next: null });
      expect(await read(agent, key, 1_000, 10)).toMatchObject({ pieces: [], end: 26, next: null });
    });

    it("holds bytes, not text", async () => {
      const { agent, key, append } = await started();
      const bytes = Buffer.from([0, 255, 0x80, 10, 0]);
      await append({ offset: 0, stream: "stdout", data: bytes });
      expect((await read(agent, key)).pieces).toEqual([{ offset: 0, stream: "stdout", data: bytes }]);
    });

    it("stores every byte once and in its place, whatever is sent again, cut anew or left out", async () => {
      const report = fc.record({
        back: fc.integer({ min: -12, max: 30 }),
        length: fc.integer({ min: 0, max: 40 }),
        stderr: fc.boolean(),
        alone: fc.boolean(),
      });
      const whole = Array.from({ length: 4_000 }, (_, n) => String.fromCodePoint(97 + (n % 26))).join("");
      await fc.assert(
        fc.asyncProperty(fc.array(report, { maxLength: 12 }), async (reports) => {
          const { agent, key, append } = await started();
          const kept = new Set<number>();
          let end = 0;
          let holes = false;
          let sending: Promise<unknown>[] = [];
          for (const { back, length, stderr, alone } of reports) {
            const offset = Math.max(0, end - back);
            sending.push(append(piece(offset, whole.slice(offset, offset + length), stderr ? "stderr" : "stdout")));
            if (length > 0 && offset + length > end) {
              holes ||= offset > end;
              for (let at = Math.max(offset, end); at < offset + length; at++) kept.add(at);
              end = offset + length;
            }
            if (alone) await Promise.all(sending.splice(0));
          }
          await Promise.all(sending);
          const output = await read(agent, key);
          expect(output.end).toBe(end);
          let last = 0;
          for (const { offset, data } of output.pieces) {
            expect(offset).toBeGreaterThanOrEqual(last);
            expect(data.toString()).toBe(whole.slice(offset, offset + data.length));
            last = offset + data.length;
            for (let at = offset; at < last; at++) expect(kept.delete(at)).toBe(true);
          }
          // What isn't there lies between the kept head and the kept tail.
          for (const at of kept) expect(at >= 100 && at < end - 100).toBe(true);
          expect(output.truncated).toBe(holes || kept.size > 0);
        }),
        { numRuns: 30 },
      );
    });
  });
}
