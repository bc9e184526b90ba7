/**
 * Probes for a supervisor: `GET /healthz` (the process is alive) and `GET /readyz` (the process can serve requests).
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import { hydracore } from "../platform/text/CommandName.ts"
import { type NotReady, Readiness } from "./Readiness.ts"

const details: Record<NotReady["reason"], string> = {
  "database-unreachable": "The database does not answer. Check that it runs and that DATABASE_URL is right.",
  "database-not-migrated": `The database lacks a migration. Run \`${hydracore} migrate\`.`,
  "database-read-only": "The database accepts no writes; it may be a standby. Set DATABASE_URL to the primary.",
  "database-denied": `The user in DATABASE_URL may not write in the database. \`${hydracore} doctor\` shows what to do.`,
  "database-not-storing": "The database answers but stores nothing. Check its log, and that its disk has room.",
  "analytics-not-migrated": `ClickHouse lacks a migration. Run \`${hydracore} migrate\`.`,
  "shutting-down": "The process is shutting down. Send new requests to another one."
}

const healthz = HttpRouter.add("GET", "/healthz", HttpServerResponse.jsonUnsafe({ status: "alive" }))

const readyz = HttpRouter.use(
  Effect.fnUntraced(function* (router) {
    const readiness = yield* Readiness
    yield* router.add(
      "GET",
      "/readyz",
      readiness.check.pipe(
        Effect.as(HttpServerResponse.jsonUnsafe({ status: "ready" })),
        Effect.catchTag("NotReady", ({ reason }) =>
          Effect.succeed(ErrorResponses.refusal(503, details[reason], { "retry-after": "2" }))
        )
      )
    )
  })
)

export const paths = [
  { method: "GET", path: "/healthz" },
  { method: "GET", path: "/readyz" }
]

export const layer = Layer.mergeAll(healthz, readyz)
