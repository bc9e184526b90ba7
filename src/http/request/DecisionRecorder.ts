/**
 * Adds the decision header to responses and records requests that were not counted.
 *
 * @module
 */
import { Effect, Predicate, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Decision from "../../core/sites/Decision.ts"
import { parseUuid } from "../../core/text/Uuid.ts"
import type { Decisions } from "../../services/sites/Decisions.ts"

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

/** How many bytes `peekSiteId` searches. */
const peekBytes = 128

/** Finds the `site_id` without parsing the JSON, but only as the first member, where our scripts send it. */
export const peekSiteId = (bytes: Uint8Array, by: Parameters<typeof claimOf>[1]): Decision.Subject | null => {
  const start = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, peekBytes)).toString("latin1")
  const site_id = /^\s*\{\s*"site_id"\s*:\s*"([^"]*)"/.exec(start)?.[1]
  return claimOf({ site_id }, by)
}

/** Makes the function that sets the decision header of an uncounted request and, unless `subject` is null, records the reason. */
export const make =
  (decisions: Decisions["Service"]) =>
  (reason: Decision.Reason, subject: Decision.Subject | null) =>
  (response: Response): Effect.Effect<Response> => {
    const decided = withDecision(response, reason)
    return subject === null ? Effect.succeed(decided) : Effect.as(decisions.record(subject, reason), decided)
  }

/** Sets and records the decision of a response to a storage error, unless the response already has a decision. */
export const ofStorage =
  (recordUncounted: ReturnType<typeof make>, subject: () => Decision.Subject | null) =>
  (response: Response): Effect.Effect<Response> =>
    response.headers[Decision.header] !== undefined
      ? Effect.succeed(response)
      : recordUncounted(reasonOf(response), subject())(response)
