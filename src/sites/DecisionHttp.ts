/**
 * Adds the decision header to responses and records requests that were not counted.
 *
 * @module
 */
import { type Context, Effect, Predicate, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Decision from "../platform/http/Decision.ts"
import { parseUuid } from "../platform/Id.ts"
import type { Decisions } from "./Decisions.ts"

type Response = HttpServerResponse.HttpServerResponse

/** Sets the decision header. */
export const withDecision = (response: Response, decision: Decision.Decision): Response =>
  HttpServerResponse.setHeader(response, Decision.header, decision)

/** Sets the decision header by the status of the response, unless the response already has the header. */
export const byStatus = (response: Response): Response =>
  response.headers[Decision.header] === undefined ? withDecision(response, reasonOf(response)) : response

const reasonOf = ({ status }: Response): Decision.Reason =>
  status === 503 ? "unavailable" : status === 429 ? "limited" : "invalid"

/** The unverified site id in a body; `null` if the body has no valid one. */
export const claimOf = (
  body: unknown,
  by: (Decision.Subject & { readonly _tag: "Claimed" })["by"]
): Decision.Subject | null => {
  const siteId = Predicate.isObject(body) ? body["site_id"] : undefined
  const id = typeof siteId === "string" && siteId.length <= 45 ? parseUuid(siteId) : undefined
  return id !== undefined && Result.isSuccess(id) ? { _tag: "Claimed", by, id: id.success } : null
}

/** Makes the function that sets the decision header of an uncounted request and, unless `subject` is null, records the reason. */
export const make =
  (decisions: Decisions["Service"]) =>
  (reason: Decision.Reason, subject: Decision.Subject | null, refused?: Decision.Refused) =>
  (response: Response): Effect.Effect<Response> => {
    const decided = withDecision(response, reason)
    return subject === null ? Effect.succeed(decided) : Effect.as(decisions.record(subject, reason, refused), decided)
  }

type By = Parameters<typeof claimOf>[1]

const claimInText = (text: string, by: By): Decision.Subject | null => {
  try {
    return claimOf(JSON.parse(text), by)
  } catch {
    return null
  }
}

/**
 * Decides the responses of an endpoint that have no decision yet by their status, and records them for the website that the body
 * of the request names. `body` is the service that holds the body.
 */
export const decided =
  <Self, Body extends { readonly text: string }>(
    recordUncounted: ReturnType<typeof make>,
    by: By,
    body: Context.Key<Self, Body>
  ) =>
  <E, R>(httpEffect: Effect.Effect<Response, E, R>) =>
    Effect.flatMap(httpEffect, (response) =>
      response.headers[Decision.header] !== undefined
        ? Effect.succeed(response)
        : Effect.flatMap(body, ({ text }) => recordUncounted(reasonOf(response), claimInText(text, by))(response))
    )
