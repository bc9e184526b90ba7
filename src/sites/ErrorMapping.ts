/**
 * Maps the errors of the stores to responses, so that all endpoints respond to an error in the same way.
 *
 * @module
 */
import { Context, Effect } from "effect"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import { describeUnavailable, type RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import * as Decisions from "./Decisions.ts"

/**
 * The log annotation that names an error's cause; none for a plain `Error`, whose name says nothing. The cause's message is not
 * logged, because it may quote a visitor's data.
 */
const causeName = (cause: unknown): { readonly cause?: string } => {
  if (cause === undefined) return {}
  if (typeof cause !== "object" || cause === null) return { cause: typeof cause }
  const name = "_tag" in cause ? String(cause._tag) : cause.constructor.name
  return name === "Error" ? {} : { cause: name }
}

/** The log annotations of an error of a store. */
export const annotationsOf = ({ cause, code }: Pick<StorageUnavailable, "cause" | "code">) => ({
  ...(code === undefined ? {} : { code }),
  ...causeName(cause)
})

/** Why requests get a 503, and what to do. Without the cause's message, see `causeName`. */
export const describe = ({ code, reason, setting }: StorageUnavailable): string =>
  describeUnavailable({ code, reason, setting })

/**
 * What is done with the error behind a 503. A server logs when an outage begins and ends, see `server/Outages`; a command reports the
 * error. By default, each error is logged.
 */
export const OnUnavailable = Context.Reference<(error: StorageUnavailable) => Effect.Effect<void>>(
  "hydracore/sites/ErrorMapping/OnUnavailable",
  {
    defaultValue: () => (error) =>
      Effect.annotateLogs(Effect.logWarning(describe(error)), { reason: error.reason, ...annotationsOf(error) })
  }
)

/** Reports that the store is unavailable. */
export const logUnavailable = (error: StorageUnavailable): Effect.Effect<void> =>
  Effect.flatMap(OnUnavailable, (report) => report(error))

/** Reports that the store is unavailable, and responds to a chat request. `headers` are those of the rate limit. */
export const ofUnavailable = (error: StorageUnavailable, headers: Record<string, string>) =>
  Effect.as(logUnavailable(error), ErrorResponses.withoutDatabase(headers))

/**
 * The store is unavailable or refused the record. If the website was deleted after the lookup, the response is the one for an
 * unknown website.
 */
export const ofStorage = (error: StorageUnavailable | RecordRefused, headers: Record<string, string>) =>
  error._tag === "StorageUnavailable"
    ? Effect.as(logUnavailable(error), ErrorResponses.unavailable(headers))
    : error.reason === "unknown-site"
      ? Effect.succeed(Decisions.withDecision(ErrorResponses.unknownSite(headers), "unknown-site"))
      : Effect.as(
          Effect.annotateLogs(
            Effect.logWarning("The store refused a record; the request got a 422"),
            annotationsOf(error)
          ),
          ErrorResponses.notStorable(headers)
        )

/** Too many requests wait for the store. */
export const overloaded = ofStorage(new StorageUnavailable({ reason: "overloaded" }), {})
