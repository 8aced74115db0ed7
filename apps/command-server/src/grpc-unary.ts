import { status as Status, type handleUnaryCall, type ServerUnaryCall } from "@grpc/grpc-js";
import { toGrpcStatus, type Logger, type Principal, type TokenVerifier } from "@fleetwire/service";
import { authenticate } from "./grpc-authentication.ts";

/** Makes a handler of what answers a request of a caller with this scope. */
export type Unary = <Request, Response>(
  scope: string,
  run: (request: Request, principal: Principal, call: ServerUnaryCall<Request, Response>) => Promise<Response>,
) => handleUnaryCall<Request, Response>;

/** Authenticates, runs, answers; an error becomes its status. A call that was cancelled meanwhile isn't answered. */
export function createUnary({ verifier, log }: { verifier: TokenVerifier; log: Logger }): Unary {
  return (scope, run) => async (call, callback) => {
    try {
      const principal = await authenticate(verifier, call.metadata, scope);
      const response = await run(call.request, principal, call);
      if (!call.cancelled) callback(null, response);
    } catch (error) {
      const status = toGrpcStatus(error);
      // What the client isn't told has to be in the log.
      if (status.code === Status.INTERNAL) log.error({ err: error, path: call.getPath() }, "call failed");
      callback(status);
    }
  };
}
