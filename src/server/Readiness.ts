/**
 * Checks whether this process can serve requests: the service, see `server/postgres/Readiness`, and the probes for a supervisor, `GET
 * /healthz` (the process is alive) and `GET /readyz` (the process can serve requests).
 *
 * @module
 */
import { Context, Effect, Layer, Schema } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import { hydracore } from "../platform/text/CommandName.ts"

/** The process is alive but cannot serve, not yet or no longer. */
export class NotReady extends Schema.TaggedError<NotReady>()("NotReady", {
  reason: Schema.Literals([
    "database-unreachable",
    "database-not-migrated",
    "database-read-only",
    "database-denied",
    "database-not-storing",
    "analytics-not-migrated",
    "shutting-down"
  ]),
  /** Why the database is unreachable; see `StorageUnavailable`. Shown to the operator and never sent to clients. */
  code: Schema.optional(Schema.String)
}) {}

export class Readiness extends Context.Service<
  Readiness,
  {
    /**
     * Succeeds if the store answers within two seconds, has all migrations that this version needs, and accepts writes of the
     * service's user. A separate store of page views must only have its migrations: while it cannot be reached, forms and chats
     * still work. While writes fail, the check tries a write itself, so that the process can become ready without
     * requests.
     */
    readonly check: Effect.Effect<void, NotReady>
  }
>()("hydracore/server/Readiness") {}

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

export const probes = Layer.mergeAll(healthz, readyz)
