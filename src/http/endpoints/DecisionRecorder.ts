/**
 * Tells an answer's reader what was decided, and counts what was not counted.
 *
 * @module
 */
import { Effect, Predicate, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Decision from "../../core/sites/Decision.ts"
import { parseUuid } from "../../core/text/Uuid.ts"
import type { Decisions } from "../../services/sites/Decisions.ts"

type Response = HttpServerResponse.HttpServerResponse

/** The answer, with the decision in its header. */
export const withDecision = (response: Response, decision: Decision.Decision): Response =>
  HttpServerResponse.setHeader(response, Decision.header, decision)

/** The answer as it is, or, of a request that was turned away before anything was decided, told by its status. */
export const byStatus = (response: Response): Response =>
  response.headers[Decision.header] === undefined ? withDecision(response, reasonOf(response)) : response

const reasonOf = ({ status }: Response): Decision.Reason =>
  status === 503 ? "unavailable" : status === 429 ? "limited" : "invalid"

/** The id that a body claims, or null if it names none: for what was turned away before anybody looked. */
export const claimOf = (
  body: unknown,
  by: (Decision.Subject & { readonly _tag: "Claimed" })["by"]
): Decision.Subject | null => {
  const siteId = Predicate.isObject(body) ? body["site_id"] : undefined
  const id = typeof siteId === "string" && siteId.length <= 45 ? parseUuid(siteId) : undefined
  return id !== undefined && Result.isSuccess(id) ? { _tag: "Claimed", by, id: id.success } : null
}

/** How far a body is looked into that is not taken apart. */
const peekBytes = 128

/** The same for bytes of JSON that are not taken apart: of those that name it first, as our scripts do. */
export const peekSiteId = (bytes: Uint8Array, by: Parameters<typeof claimOf>[1]): Decision.Subject | null => {
  const beginning = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, peekBytes)).toString("latin1")
  const site_id = /^\s*\{\s*"site_id"\s*:\s*"([^"]*)"/.exec(beginning)?.[1]
  return claimOf({ site_id }, by)
}

/** Makes the function that gives an answer its reason and counts it, if it is clear for whom. */
export const make =
  (decisions: Decisions["Service"]) =>
  (reason: Decision.Reason, subject: Decision.Subject | null) =>
  (response: Response): Effect.Effect<Response> => {
    const told = withDecision(response, reason)
    return subject === null ? Effect.succeed(told) : Effect.as(decisions.record(subject, reason), told)
  }

/** The same for what the store said: it is away, or it refused; any other answer has its decision already. */
export const ofStorage =
  (notCounted: ReturnType<typeof make>, subject: () => Decision.Subject | null) =>
  (response: Response): Effect.Effect<Response> =>
    response.headers[Decision.header] !== undefined
      ? Effect.succeed(response)
      : notCounted(reasonOf(response), subject())(response)
