/**
 * A new database for each test file or test: a copy of the migrated template of `globalSetup.ts`, dropped when its scope
 * closes. Waits use the real clock, so this works under a `TestClock` too.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { setTimeout } from "node:timers/promises"
import { PgClient } from "@effect/sql-pg"
import { Context, Effect, Redacted, Schema, Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import type { SqlError } from "effect/sql"
import { inject } from "vitest"
import * as TestPostgres from "./TestPostgres.ts"

/** `url` names the database; psql accepts it too. */
export interface Connection {
  readonly url: Redacted.Redacted
  readonly database: string
}

/** The server with the template: by default that of the test run. */
export const Server = Context.Reference<TestPostgres.TestPostgres>("hydracore/test/TestDatabase/Server", {
  defaultValue: () => inject("postgres")
})

/**
 * The clients that create and drop databases, by URL. The tests of a worker share them, because each connection costs the worker and
 * the server several milliseconds. No test's clock or scope matters to them: they are made outside of the tests, connect again if
 * PostgreSQL ended a connection, and end with the worker.
 */
const admins = new Map<string, Promise<PgClient.PgClient>>()

const adminOf = (server: string, database: string): Effect.Effect<PgClient.PgClient> =>
  Effect.promise(() => {
    const url = TestPostgres.urlOf(server, database)
    const made =
      admins.get(url) ??
      Effect.runPromise(
        PgClient.make({ url: Redacted.make(url), maxConnections: 2, prepare: false }).pipe(
          Effect.provide(Reactivity.layer),
          Scope.provide(Scope.makeUnsafe())
        )
      )
    admins.set(url, made)
    return made
  })

/** The error of a copy while another session is connected to the template. */
const TemplateInUse = Schema.Struct({
  reason: Schema.Struct({ cause: Schema.Struct({ code: Schema.Literal("55006") }) })
})

/** Retries `create` while another session is connected to the template, for ten seconds at most. */
const retryWhileInUse = <A, R>(
  create: Effect.Effect<A, SqlError.SqlError, R>,
  tries = 100
): Effect.Effect<A, never, R> =>
  Effect.catch(create, (error) =>
    tries > 0 && Schema.is(TemplateInUse)(error)
      ? Effect.andThen(
          Effect.promise(() => setTimeout(100)),
          retryWhileInUse(create, tries - 1)
        )
      : Effect.die(error)
  )

/** A copy of a template, dropped when the scope closes (open connections are ended). Dies if the run has no server. */
const copyOf = Effect.fnUntraced(function* (
  templateOf: (server: Extract<TestPostgres.TestPostgres, { readonly _tag: "Available" }>) => string
): Effect.fn.Return<Connection, never, Scope.Scope> {
  const server = yield* Server
  if (server._tag === "Unavailable") return yield* Effect.die(new Error(server.message))
  const database = `${server.template}_${randomUUID().slice(0, 13).replace("-", "")}`
  const sql = yield* adminOf(server.url, server.admin)
  yield* Effect.acquireRelease(
    // Without durable writes, copying files takes less time than writing the copy to the log.
    retryWhileInUse(sql`CREATE DATABASE ${sql(database)} TEMPLATE ${sql(templateOf(server))} STRATEGY FILE_COPY`),
    () => Effect.orDie(sql`DROP DATABASE IF EXISTS ${sql(database)} WITH (FORCE)`)
  )
  return { url: Redacted.make(TestPostgres.urlOf(server.url, database)), database }
})

/**
 * A fresh, migrated, empty database, dropped when the scope closes (open connections are ended). For tests that need
 * several clients on the same database; others use `layer`. Dies with the reason if the run has no server.
 */
export const connection: Effect.Effect<Connection, never, Scope.Scope> = copyOf(({ template }) => template)

/** A copy of a database, to which no client may be connected meanwhile. */
export const copy = ({ database }: Connection): Effect.Effect<Connection, never, Scope.Scope> => copyOf(() => database)

const urlIn = ({ url }: Connection): string => Redacted.value(url)

/** The URL of a fresh, migrated, empty database, for the environment of a process. */
export const url: Effect.Effect<string, never, Scope.Scope> = Effect.map(connection, urlIn)

/** The URL of a fresh database that is not migrated. */
export const unmigrated: Effect.Effect<string, never, Scope.Scope> = Effect.map(
  copyOf(() => "template0"),
  urlIn
)

/** Another client on a database, with its own pool, closed with the scope. */
export const clientOf = ({ url }: Connection): Effect.Effect<PgClient.PgClient, SqlError.SqlError, Scope.Scope> =>
  PgClient.make({ url }).pipe(Effect.provide(Reactivity.layer))

/** Makes new connections use a user that may only read the tables, until `allowRequests` grants what requests need. */
export const readOnly = (connection: Connection) =>
  Effect.gen(function* () {
    const owner = yield* clientOf(connection)
    const reader = owner(`${connection.database}_reader`)
    yield* Effect.acquireRelease(owner`CREATE ROLE ${reader}`, () =>
      Effect.orDie(Effect.andThen(owner`DROP OWNED BY ${reader}`, owner`DROP ROLE ${reader}`))
    )
    yield* owner`GRANT SELECT ON ALL TABLES IN SCHEMA public TO ${reader}`
    yield* owner`ALTER DATABASE ${owner(connection.database)} SET role = ${reader}`
    const allowRequests = Effect.andThen(
      owner`GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO ${reader}`,
      owner`GRANT DELETE ON agent_failure, mail_item, watched_problem, deleted_submission, spam_mark, reply, person, person_role, console_session_site, failed_item, conversation_message, answer_piece, token_reservation, pending_lead, conversion_outbox, outbox, submission_outbox, console_session, owner_key, notification, webhook_replay,
          submission, idempotency_key, conversation
        TO ${reader}`
    )
    return { allowRequests, owner, reader }
  })
