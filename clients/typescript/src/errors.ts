// What a server refuses, read from the details of a gRPC status.

import { Code, ConnectError } from "@connectrpc/connect";
import { ErrorInfoSchema, RetryInfoSchema } from "../generated/google/rpc/error_details_pb.js";

/** A call that failed. `reason` is stable, for example "OVERLOADED" or "INVALID_MEDIA". */
export class MitateError extends Error {
  constructor(
    readonly reason: string,
    message: string,
    readonly code: Code,
    /** When to ask again; undefined where waiting does not help. */
    readonly retryAfterMs: number | undefined,
  ) {
    super(message);
    this.name = "MitateError";
  }

  /** Return the error of a call, whatever was thrown. */
  static from(thrown: unknown): MitateError {
    const error = ConnectError.from(thrown);
    const [info] = error.findDetails(ErrorInfoSchema);
    const [retry] = error.findDetails(RetryInfoSchema);
    const delay = retry?.retryDelay;
    const afterMs = delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6;
    const reason = info?.reason ?? Code[error.code].toUpperCase();
    return new MitateError(reason, error.rawMessage, error.code, afterMs);
  }
}
