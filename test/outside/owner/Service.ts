/**
 * The service as a process with a database of its own, and requests to it.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import type { PgClient } from "@effect/sql-pg"
import { Context, Effect, Layer, Redacted } from "effect"
import PostalMime from "postal-mime"
import { mailReceiver } from "../../support/MailReceiver.ts"
import * as Process from "../../support/Process.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as Command from "../Command.ts"
import type { Request } from "./Document.ts"

export interface Answer {
  readonly status: number
  readonly contentType: string | null
  readonly headers: Headers
  /** The body. Of a live stream, only its beginning. */
  readonly text: string
}

export type Credentials = Readonly<Record<string, string>>

export class Service extends Context.Service<
  Service,
  {
    /** Such as `http://127.0.0.1:4711`. */
    readonly url: string
    /** What the service has printed, with its log. */
    readonly output: () => string
    readonly send: (request: Request, credentials?: Credentials) => Effect.Effect<Answer>
    /** The settings of the service. */
    readonly env: Readonly<Record<string, string>>
    /** Runs a command with the service's settings and `--json`, and returns the document that it prints. */
    readonly command: (args: ReadonlyArray<string>) => Effect.Effect<Readonly<Record<string, string>>>
    /** The credentials of a key with the scope `write` for all websites, which a command printed. */
    readonly root: Credentials
    readonly sql: PgClient.PgClient
    /** The texts of the mails to an address that the service has sent, the latest last. */
    readonly mailsTo: (address: string) => Effect.Effect<ReadonlyArray<string>>
  }
>()("test/outside/owner/Service") {}

/** The body, or the beginning of a body that does not end. */
const readBody = async (path: string, response: Response): Promise<string> => {
  if (response.status !== 200 || !path.endsWith("/live")) return response.text()
  const reader = response.body?.getReader()
  const first = await reader?.read()
  await reader?.cancel()
  return new TextDecoder().decode(first?.value)
}

const sendTo =
  (url: string) =>
  (request: Request, credentials: Credentials = {}) =>
    Effect.promise(async (): Promise<Answer> => {
      const { body, method, path } = request
      const response = await fetch(url + path, {
        method,
        redirect: "manual",
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...credentials },
        ...(body === undefined ? {} : { body })
      })
      return {
        status: response.status,
        contentType: response.headers.get("content-type"),
        headers: response.headers,
        text: await readBody(path, response)
      }
    })

export const bearer = (secret: string): Credentials => ({ authorization: `Bearer ${secret}` })

/** A service with settings besides those that every test needs. */
export const layerWith = (settings: Readonly<Record<string, string>>): Layer.Layer<Service> =>
  Layer.effect(
    Service,
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const { port, received } = yield* mailReceiver()
      const env = {
        DATABASE_URL: Redacted.value(connection.url),
        OWNER_API: "on",
        CONSOLE: "on",
        RATE_LIMIT_OWNER: "off",
        SECRETS_KEY: randomBytes(32).toString("hex"),
        SMTP_URL: `smtp://127.0.0.1:${port}`,
        MAIL_FROM: "Edge <mail@edge.example>",
        PUBLIC_URL: "https://edge.example",
        ...settings
      }
      const command = (args: ReadonlyArray<string>) => Command.json(args, env)
      const [{ output, url }, { key = "" }] = yield* Effect.all(
        [Process.serve(env), command(["key", "issue", "--all-sites", "--scope", "write"])],
        { concurrency: 2 }
      )
      const sql = yield* Effect.orDie(TestDatabase.clientOf(connection))
      const mailsTo = (address: string) =>
        Effect.promise(() =>
          Promise.all(
            received
              .filter(({ recipients }) => recipients.includes(address))
              .map(async ({ source }) => (await PostalMime.parse(source)).text ?? "")
          )
        )
      return { env, url, output, send: sendTo(url), command, root: bearer(key), sql, mailsTo }
    })
  )

export const layer: Layer.Layer<Service> = layerWith({})

/** Sends a request that must succeed, and returns the members of its JSON. Without `credentials`, as the key for all websites. */
export const call = Effect.fnUntraced(function* (
  method: string,
  path: string,
  body?: object,
  credentials?: Credentials
) {
  const { root, send } = yield* Service
  const request = { method, path, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }
  const answer = yield* send(request, credentials ?? root)
  if (answer.status >= 300) return yield* Effect.die(new Error(`${method} ${path}: ${answer.status} ${answer.text}`))
  return {
    ...answer,
    json: (answer.text.startsWith("{") ? JSON.parse(answer.text) : {}) as Readonly<Record<string, string>>
  }
})
