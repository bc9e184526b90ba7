/**
 * Maps the errors of services to those of the owner API.
 *
 * @module
 */
import { Effect } from "effect"
import type { ReportTimeout, ReportTooLarge } from "../../analytics/reports/Reports.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as ErrorMapping from "../ErrorMapping.ts"
import * as Errors from "./Errors.ts"

type ServiceUnavailable = Errors.ServiceUnavailable

const unavailable: ServiceUnavailable = {
  _tag: "ServiceUnavailable",
  detail: "The service cannot reach its database now. Send the request again after Retry-After seconds.",
  headers: { "retry-after": 5 }
}

/** The store is unavailable, for authentication, which ends before `Validation.ts` logs it: 503. Logs the reason. */
export const ofStorage = (error: StorageUnavailable) =>
  Effect.andThen(ErrorMapping.logUnavailable(error), Effect.fail(unavailable))

/** For `Effect.catchTags`, in handlers that read reports. */
export const ofReports = {
  ReportTimeout: ({ limit }: ReportTimeout) =>
    Effect.fail(
      Errors.make(
        "GatewayTimeout",
        `The report takes longer than the limit of ${limit}. Choose fewer days, or remove filters.`
      )
    )
}

/** For `Effect.catchTags`, in the handler of a query. */
export const ofQuery = {
  ...ofReports,
  ReportTooLarge: ({ limit }: ReportTooLarge) =>
    Effect.fail(
      Errors.invalid(
        "dimensions",
        `the report needs more than ${limit}; choose fewer days or dimensions, or add filters`
      )
    )
}
