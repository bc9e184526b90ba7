/**
 * Maps the errors of services to those of the owner API.
 *
 * @module
 */
import { Effect } from "effect"
import type { ReportTimeout, ReportTooLarge } from "../../analytics/reports/Reports.ts"
import type { LimitReached } from "../../platform/limits/LimitReached.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as ErrorMapping from "../ErrorMapping.ts"
import * as Maximums from "../Maximums.ts"
import * as Errors from "./Errors.ts"
import * as Validation from "./Validation.ts"

type ServiceUnavailable = Errors.ServiceUnavailable

const unavailable: ServiceUnavailable = {
  _tag: "ServiceUnavailable",
  detail: "The service cannot reach its database now. Send the request again after Retry-After seconds.",
  headers: { "retry-after": 5 }
}

/** The store is unavailable: 503. Logs the reason. */
export const ofStorage = (error: StorageUnavailable) =>
  Effect.andThen(ErrorMapping.logUnavailable(error), Effect.fail(unavailable))

/** As many exist as are possible: 422. */
export const ofLimit = ({ maximum }: LimitReached) =>
  Effect.fail(
    Validation.failed([{ loc: ["body"], msg: `Value error, ${Maximums.message(maximum)}`, type: "value_error" }])
  )

/** For `Effect.catchTags`, in handlers that create something of which there is a maximum. */
export const ofCreation = { StorageUnavailable: ofStorage, LimitReached: ofLimit }

/** For `Effect.catchTags`, in handlers that read reports. */
export const ofReports = {
  StorageUnavailable: ofStorage,
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
      Validation.failed([
        {
          loc: ["body", "dimensions"],
          msg: `Value error, the report needs more than ${limit}; choose fewer days or dimensions, or add filters`,
          type: "value_error"
        }
      ])
    )
}
