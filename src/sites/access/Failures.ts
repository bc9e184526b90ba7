/**
 * Maps the errors of services to those of the owner API.
 *
 * @module
 */
import { Effect } from "effect"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as ErrorMapping from "../ErrorMapping.ts"
import type * as Errors from "./Errors.ts"

type ServiceUnavailable = Errors.ServiceUnavailable

const unavailable: ServiceUnavailable = {
  _tag: "ServiceUnavailable",
  detail: "The service cannot reach its database now. Send the request again after Retry-After seconds.",
  headers: { "retry-after": 5 }
}

/** The store is unavailable, for authentication, which ends before `Validation.ts` logs it: 503. Logs the reason. */
export const ofStorage = (error: StorageUnavailable) =>
  Effect.andThen(ErrorMapping.logUnavailable(error), Effect.fail(unavailable))
