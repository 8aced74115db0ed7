import type { Readable } from "node:stream";
import { Agent, request } from "undici";
import type { Connection } from "../credentials.ts";
import { exitCodes } from "../exit-codes.ts";
import { CliFailure } from "../failure.ts";
import { errorCode } from "../fields.ts";
import { problemFailure } from "./problem.ts";

type Method = "GET" | "POST" | "DELETE";
export type Query = Record<string, string | number | readonly string[] | null | undefined>;

/** The command-server over HTTP. Every method throws a CliFailure that says what went wrong and what to do. */
export interface Http {
  /** A JSON answer, null where there is none. */
  call(method: Method, path: string, extra?: { query?: Query; body?: unknown }): Promise<unknown>;
  /** A streaming answer; it may be idle for `idleMs` (default 60 s) before it is taken for dead. */
  open(
    path: string,
    extra: { query?: Query; headers?: Record<string, string>; signal?: AbortSignal; idleMs?: number },
  ): Promise<Readable>;
  close(): Promise<void>;
}

const answerMs = 30_000;
/** More than the server's largest answer (500 commands) needs. */
const largestAnswer = 64 * 1024 * 1024;

export function createHttp({ url, token }: Connection): Http {
  const dispatcher = new Agent({ connect: { timeout: 10_000 }, maxResponseSize: -1 });
  const target = (path: string, query: Query = {}) => {
    const full = new URL(url.pathname.replace(/\/$/, "") + path, url);
    for (const [name, value] of Object.entries(query)) {
      for (const each of Array.isArray(value) ? value : [value]) {
        if (each !== null && each !== undefined) full.searchParams.append(name, String(each));
      }
    }
    return full;
  };
  const headers = { authorization: `Bearer ${token}`, "user-agent": "fleetwire-cli" };

  return {
    async call(method, path, { query, body } = {}) {
      const json = body === undefined ? {} : { "content-type": "application/json" };
      try {
        const response = await request(target(path, query), {
          method,
          dispatcher,
          headers: { ...headers, ...json, accept: "application/json" },
          body: body === undefined ? null : JSON.stringify(body),
          headersTimeout: answerMs,
          bodyTimeout: answerMs,
        });
        const text = await readText(response.body);
        return readAnswer(url, response.statusCode, response.headers, text);
      } catch (error) {
        throw unreachable(url, error);
      }
    },
    async open(path, { query, headers: more, signal, idleMs = 60_000 }) {
      try {
        const response = await request(target(path, query), {
          dispatcher,
          headers: { ...headers, ...more },
          headersTimeout: answerMs,
          bodyTimeout: idleMs,
          ...(signal ? { signal } : {}),
        });
        if (response.statusCode === 200) return response.body;
        readAnswer(url, response.statusCode, response.headers, await readText(response.body));
        throw notOurs(url, `status ${response.statusCode}`);
      } catch (error) {
        throw unreachable(url, error);
      }
    },
    close: () => dispatcher.destroy(),
  };
}

async function readText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > largestAnswer) throw new CliFailure(exitCodes.unreachable, "the server's answer has no end");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readAnswer(url: URL, status: number, headers: Record<string, string | string[] | undefined>, text: string) {
  if (status === 204) return null;
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    throw notOurs(url, `status ${status}, not JSON`);
  }
  if (status >= 200 && status < 300) return content;
  throw problemFailure(status, content, headers["retry-after"]) ?? notOurs(url, `status ${status}`);
}

function notOurs(url: URL, what: string): CliFailure {
  return new CliFailure(exitCodes.unreachable, `what answers at ${url.origin} isn't a command-server (${what})`, {
    hint: "--url or FLEETWIRE_URL names another",
  });
}

/** Whether the request may have reached the server although its answer did not reach us. */
export function wasCutOff(error: unknown): boolean {
  if (!(error instanceof CliFailure) || error.exitCode !== exitCodes.unreachable) return false;
  const code = errorCode(error.cause);
  return (
    code !== null &&
    ["UND_ERR_SOCKET", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "ECONNRESET", "EPIPE"].includes(code)
  );
}

function unreachable(url: URL, error: unknown): unknown {
  if (error instanceof CliFailure) return error;
  if (error instanceof Error && error.name === "AbortError") return error;
  const words: Record<string, string> = {
    ECONNREFUSED: "nothing listens there",
    ENOTFOUND: "there is no such host",
    EAI_AGAIN: "its name can't be looked up now",
    UND_ERR_CONNECT_TIMEOUT: "no answer within 10 s",
    UND_ERR_HEADERS_TIMEOUT: `no answer within ${answerMs / 1000} s`,
    UND_ERR_SOCKET: "the connection was closed",
    ECONNRESET: "the connection was reset",
  };
  const reason = words[errorCode(error) ?? ""] ?? (error instanceof Error ? error.message : String(error));
  return new CliFailure(exitCodes.unreachable, `can't reach the command-server at ${url.origin}: ${reason}`, {
    hint: 'is it running? "npm start" starts one; --url or FLEETWIRE_URL names another',
    cause: error,
  });
}
