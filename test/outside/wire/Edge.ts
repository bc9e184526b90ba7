/**
 * The service as a process, with websites and assistants that commands create, and an agent that the test controls.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Redacted } from "effect"
import { inject } from "vitest"
import { mailReceiver, type ReceivedMail } from "../../support/MailReceiver.ts"
import * as Process from "../../support/Process.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { urlOf } from "../../support/postgres/TestPostgres.ts"
import * as Agent from "../Agent.ts"
import * as Command from "../Command.ts"
import { reply } from "./Answers.ts"

export interface Website {
  readonly website_config_id: string
  readonly tracking_token: string
}

/** An assistant, and a token for it. */
export interface Assistant {
  readonly id: string
  readonly token: string
}

export interface Edge {
  readonly url: string
  readonly agent: Agent.Agent
  readonly database: string
  readonly sql: PgClient.PgClient
  readonly mails: ReadonlyArray<ReceivedMail>
  /** Allows every origin, and has rules for the form of the page `contact`. */
  readonly shop: Website
  /** Allows only `https://guarded.example`. */
  readonly guarded: Website
  /** The service stores its conversations. */
  readonly remembering: Assistant
  /** Its agent keeps the conversations. */
  readonly forgetful: Assistant
  /** Allows only `https://guarded.example`. */
  readonly reserved: Assistant
  /** May use one token of the model in a day. */
  readonly thrifty: Assistant
  /** Runs a command to its end, and returns the JSON that it prints. */
  readonly run: (...args: ReadonlyArray<string>) => Effect.Effect<Readonly<Record<string, string>>>
  /** Sends a request to the owner API that must succeed. */
  readonly own: (method: string, path: string, body: object) => Promise<void>
}

export const guardedOrigin = "https://guarded.example"

/** Runs a command to its end, and returns the JSON that it prints. */
const command =
  (env: Readonly<Record<string, string>>) =>
  (...args: ReadonlyArray<string>) =>
    Command.json(args, env)

const temporaryFile = (name: string, content: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const folder = mkdtempSync(path.join(tmpdir(), "hydracore-outside-"))
      writeFileSync(path.join(folder, name), content)
      return { folder, file: path.join(folder, name) }
    }),
    ({ folder }) => Effect.sync(() => rmSync(folder, { recursive: true }))
  )

interface Seeded {
  readonly connection: TestDatabase.Connection
  readonly agent: Agent.Agent
  readonly secretsKey: string
  readonly key: string
  readonly websites: Pick<Edge, "shop" | "guarded" | "remembering" | "forgetful" | "reserved" | "thrifty">
}

/** A database with the websites and assistants that the wire needs. */
const seed = Effect.gen(function* () {
  const connection = yield* TestDatabase.connection
  const agent = yield* Agent.start(reply)
  const secretsKey = randomBytes(32).toString("hex")
  // A connection may take seconds to open on a busy machine.
  const env = { DATABASE_URL: Redacted.value(connection.url), SECRETS_KEY: secretsKey, DATABASE_TIMEOUT: "1 minute" }
  const run = command(env)
  const website = (name: string, ...flags: ReadonlyArray<string>) =>
    Effect.map(run("site", "create", "--name", name, ...flags), ({ site_id, tracking_token }) => ({
      website_config_id: `${site_id}`,
      tracking_token: `${tracking_token}`
    }))
  const assistant = Effect.fnUntraced(function* (name: string, flags: ReadonlyArray<string>) {
    const { instance_id: id = "" } = yield* run(
      ...["instance", "create", "--name", name, "--agent-url", agent.url, "--no-check", ...flags]
    )
    const { token = "" } = yield* run("token", "issue", "--instance", id)
    return { id, token }
  })
  const rules = { name: { required: true }, email: { email: true }, people: { number: true, min: 1, max: 8 } }
  const { file } = yield* temporaryFile("rules.json", JSON.stringify(rules))
  const { key, ...websites } = yield* Effect.all(
    {
      shop: Effect.tap(website("Shop"), ({ website_config_id }) =>
        run("form", "create", "--site", website_config_id, "--page", "contact", "--rules", file)
      ),
      guarded: website("Guarded", "--origin", guardedOrigin),
      remembering: assistant("Remembering", ["--memory", "edge"]),
      forgetful: assistant("Forgetful", ["--memory", "agent"]),
      reserved: assistant("Reserved", ["--origin", guardedOrigin]),
      thrifty: assistant("Thrifty", ["--daily-tokens", "1"]),
      key: Effect.map(run("key", "issue", "--all-sites", "--scope", "write"), ({ key = "" }) => key)
    },
    { concurrency: 3 }
  )
  return { connection, agent, secretsKey, key, websites } satisfies Seeded
})

/** Starts a service on a seeded database. */
const serve = Effect.fnUntraced(function* (seeded: Seeded, settings: Readonly<Record<string, string>>) {
  const { agent, connection, key, secretsKey, websites } = seeded
  const { port, received } = yield* mailReceiver()
  const database = Redacted.value(connection.url)
  const env = {
    DATABASE_URL: database,
    SECRETS_KEY: secretsKey,
    SMTP_URL: `smtp://127.0.0.1:${port}`,
    MAIL_FROM: "Edge <mail@edge.example>",
    PUBLIC_URL: "https://edge.example",
    TRUSTED_PROXIES: "127.0.0.1",
    OWNER_API: "on"
  }
  // The limits are the defaults, which are published.
  const { url } = yield* Process.serving(yield* Process.launch(["serve"], { PORT: "0", ...env, ...settings }))
  const sql = yield* Effect.orDie(TestDatabase.clientOf(connection))
  const own = async (method: string, path: string, body: object) => {
    const headers = { "content-type": "application/json", authorization: `Bearer ${key}` }
    const response = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  }
  return {
    ...websites,
    url,
    agent,
    database,
    sql,
    mails: received,
    run: command({ ...env, DATABASE_TIMEOUT: "1 minute" }),
    own
  } satisfies Edge
})

/**
 * Starts two services: one with the settings that the wire needs, and one with `settings` besides them. Each has a database of its
 * own with the same websites and assistants. They end with the scope.
 */
export const startTwo = Effect.fnUntraced(function* (settings: Readonly<Record<string, string>>) {
  const seeded = yield* seed
  const copied = { ...seeded, connection: yield* TestDatabase.copy(seeded.connection) }
  return yield* Effect.all([serve(seeded, {}), serve(copied, settings)], { concurrency: 2 })
})

/** Ends the connections to the database of a service, and refuses new ones. */
export const refuseConnections = Effect.fnUntraced(function* ({ database }: Edge) {
  const server = inject("postgres")
  if (server._tag === "Unavailable") return yield* Effect.die(new Error(server.message))
  const name = decodeURIComponent(new URL(database).pathname.slice(1))
  const url = Redacted.make(urlOf(server.url, server.admin))
  const sql = yield* TestDatabase.clientOf({ url, database: server.admin })
  yield* sql`ALTER DATABASE ${sql(name)} ALLOW_CONNECTIONS false`
  yield* sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ${name}`
}, Effect.scoped)
