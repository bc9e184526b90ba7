/**
 * Turns the typed failures that the endpoints share into answers, so that every endpoint says the same of the same thing.
 * Each but `ofStorage` is a table for `Effect.catchTags`.
 *
 * @module
 */
import { Effect } from "effect"
import type { AgentRefusal } from "../../services/chat/AgentStream.ts"
import type { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import type { BodyCrowdedOut, BodyTooLarge } from "../server/RequestBody.ts"
import * as DecisionRecorder from "./DecisionRecorder.ts"
import * as ErrorResponses from "./ErrorResponses.ts"

/** What keeps a body from being received. */
export const ofBytes = {
  BodyTooLarge: ({ maxBytes }: BodyTooLarge) => Effect.succeed(ErrorResponses.tooLarge(maxBytes)),
  BodyInPieces: () => Effect.succeed(ErrorResponses.inPieces),
  BodyCrowdedOut: ({ by }: BodyCrowdedOut) =>
    Effect.succeed(by === "address" ? ErrorResponses.tooMuchAtOnce : ErrorResponses.overloaded),
  BodyUnreadable: () =>
    Effect.succeed(ErrorResponses.refusal(400, "The body did not arrive whole. Send the request again."))
}

/** The name of an error's cause, if it has one: its message may hold what a visitor wrote, so the log does not get it. */
const named = (cause: unknown): { readonly cause?: string } =>
  typeof cause === "object" && cause !== null
    ? { cause: "_tag" in cause ? String(cause._tag) : cause.constructor.name }
    : cause === undefined
      ? {}
      : { cause: typeof cause }

/** The store cannot be reached in time. `headers` tell of the limit, as on every other answer. */
export const ofUnavailable = (headers: Record<string, string>) => ({
  StorageUnavailable: ({ cause, code, reason }: StorageUnavailable) =>
    Effect.as(
      Effect.annotateLogs(Effect.logWarning("The store is unavailable; answered 503"), {
        reason,
        ...(code === undefined ? {} : { code }),
        ...named(cause)
      }),
      ErrorResponses.unavailable(headers)
    )
})

/**
 * The store could not store, or refused to: a function and no table, as it stands where a table would cost each request.
 * A website that was there a moment ago is answered as one that never was.
 */
export const ofStorage = (error: StorageUnavailable | RecordRefused, headers: Record<string, string>) =>
  error._tag === "StorageUnavailable"
    ? ofUnavailable(headers).StorageUnavailable(error)
    : error.reason === "unknown-site"
      ? Effect.succeed(DecisionRecorder.withDecision(ErrorResponses.unknownSite(headers), "unknown-site"))
      : Effect.as(
          Effect.annotateLogs(Effect.logWarning("The store refused a record; answered 422"), {
            ...(error.code === undefined ? {} : { code: error.code }),
            ...named(error.cause)
          }),
          ErrorResponses.notStorable(headers)
        )

/** An agent's refusal; `http/chat/ChatResponse` has logged it. `headers` are those of the rate limit. */
export const ofAgent = (error: AgentRefusal, headers: Record<string, string>) => {
  switch (error._tag) {
    case "AgentRefused":
      return Effect.succeed(
        ErrorResponses.refusal(502, "The assistant cannot be reached now. Please try again later.", headers)
      )
    case "AgentBusy":
      return Effect.succeed(ErrorResponses.agentBusy(error.retryAfter, headers))
    case "DailyTokensUsed":
      return Effect.succeed(ErrorResponses.dailyTokensUsed(error.retryAfter, headers))
    case "AgentTimeout":
      return Effect.succeed(
        ErrorResponses.refusal(504, "The assistant did not answer in time. Please try again.", headers)
      )
  }
}
