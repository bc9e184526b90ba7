/**
 * The owner API's own port (`OWNER_PORT`), in one process and in several.
 *
 * Imports nothing of `src`.
 */
import { createServer } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Raw from "../../scripts/torture/Raw.ts"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import * as Command from "./Command.ts"

class Owned extends Context.Service<
  Owned,
  {
    readonly databaseUrl: string
    readonly site: string
    /** A key for everything. */
    readonly root: string
  }
>()("test/outside/OwnerPort") {}

/** A database with a website. */
const owned = Layer.effect(
  Owned,
  Effect.gen(function* () {
    const databaseUrl = yield* TestDatabase.url
    const env = { DATABASE_URL: databaseUrl }
    const [{ site_id: site = "" }, { key: root = "" }] = yield* Effect.all(
      [
        Command.json(["site", "create", "--name", "Owned"], env),
        Command.json(["key", "issue", "--all-sites", "--scope", "write"], env)
      ],
      { concurrency: 2 }
    )
    return { databaseUrl, site, root }
  })
)

/** Sends a request over a connection of its own, which any worker may get. */
const send = (
  url: string,
  {
    body,
    headers = {},
    key,
    method
  }: {
    readonly key?: string
    readonly method?: string
    readonly body?: object
    readonly headers?: Readonly<Record<string, string>>
  } = {}
) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        connection: "close",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, text: await response.text() }
  })

/** Checks that only the service's port for owners has the API, and that a revoked key cannot use it. */
const checkPorts = Effect.fnUntraced(function* (service: Process.Process) {
  const { root, site } = yield* Owned
  const owner = yield* until(
    "the owner API has a URL",
    () => /Owner API on (http:\/\/127\.0\.0\.1:\d+)/.exec(service.output())?.[1]
  )
  assert.notStrictEqual(owner, service.url)
  const issued = yield* send(`${owner}/v1/owner/keys`, { key: root, body: { scope: "stats", sites: [site] } })
  assert.strictEqual(issued.status, 200, issued.text)
  const { key, key_id } = JSON.parse(issued.text) as { readonly key: string; readonly key_id: string }
  const list = send(`${owner}/v1/owner/sites`, { key })
  // More requests than workers.
  for (let index = 0; index < 6; index++) {
    const { status, text } = yield* list
    assert.strictEqual(status, 200, text)
    assert.include(text, site)
  }
  assert.strictEqual((yield* send(`${owner}/v1/owner/sites`)).status, 401)
  assert.strictEqual((yield* send(`${owner}/docs`)).status, 200)
  assert.strictEqual((yield* send(`${owner}/v1/public/analytics/track`, { body: {} })).status, 404)
  assert.strictEqual((yield* send(`${owner}/healthz`)).status, 404)
  const unknown = yield* send(`${owner}/nothing`, { headers: { accept: "text/html" } })
  assert.strictEqual(unknown.status, 404)
  assert.include(unknown.text, '<a href="/docs">')
  assert.strictEqual((yield* send(`${service.url}/v1/owner/sites`, { key })).status, 404)
  assert.strictEqual((yield* send(`${service.url}/healthz`)).status, 200)
  yield* send(`${owner}/v1/owner/keys/${key_id}`, { key: root, method: "DELETE" })
  // Each worker caches the key for less than a second.
  for (let refused = 0; refused < 4; ) {
    const { status } = yield* list
    refused = status === 401 ? refused + 1 : 0
  }
  yield* service.signal("SIGTERM")
  assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
  for (const secret of [key, root]) assert.notInclude(service.output(), secret)
})

const onlyThatPort = "only that port has the API, and a revoked key cannot use it"

layer(owned, { excludeTestServices: true, timeout: "2 minutes", concurrent: true })(
  "the owner API's own port",
  (it) => {
    it.effect(`serve: ${onlyThatPort}`, () =>
      Effect.gen(function* () {
        const { databaseUrl } = yield* Owned
        yield* checkPorts(yield* Process.start("serve", { DATABASE_URL: databaseUrl, OWNER_PORT: "0" }))
      }).pipe(Effect.scoped)
    )

    it.effect(`serve --workers 2: ${onlyThatPort}, and the workers divide the connection limit of an address`, () =>
      Effect.gen(function* () {
        const { databaseUrl } = yield* Owned
        const env = { DATABASE_URL: databaseUrl, OWNER_PORT: "0", CONNECTIONS_PER_ADDRESS: "4" }
        const service = yield* Process.start("serve", env, ["--workers", "2"])
        const connections: Array<Raw.Raw> = []
        const open = () => connections.filter(({ closed }) => !closed()).length
        // The second worker may be ready later than the first.
        while (connections.length < 12 || (open() < 4 && connections.length < 200)) {
          const connection = yield* Raw.open(service.port)
          connection.write("HEAD /healthz HTTP/1.1\r\nHost: edge\r\n\r\n")
          yield* until("the request is answered", () => Raw.statuses(connection.received()).length === 1)
          connections.push(connection)
        }
        yield* until("only as many connections are open as an address may have", () => open() <= 4)
        assert.strictEqual(open(), 4)
        yield* until("it is logged", () => service.output().includes("An address reached its limit of 2 connections"))
        yield* checkPorts(service)
      }).pipe(Effect.scoped)
    )

    for (const flags of [[], ["--workers", "2"]]) {
      it.effect(
        `serve ${flags.join(" ")}: a port that is in use ends the start with an error that names the setting`,
        () =>
          Effect.gen(function* () {
            const { databaseUrl } = yield* Owned
            const port = yield* Effect.acquireRelease(
              Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
                const server = createServer().listen(0, "127.0.0.1", () => {
                  const address = server.address()
                  const port = typeof address === "object" && address !== null ? address.port : 0
                  resume(Effect.succeed({ port, close: () => server.close() }))
                })
              }),
              ({ close }) => Effect.sync(close)
            )
            const { code, stderr, stdout } = yield* Command.start(["serve", ...flags], {
              DATABASE_URL: databaseUrl,
              PORT: "0",
              OWNER_PORT: String(port.port)
            })
            assert.strictEqual(code, 1)
            assert.include(
              stdout + stderr,
              `Cannot listen on 127.0.0.1:${port.port}: another program uses this port; set OWNER_PORT to another one.`
            )
          }).pipe(Effect.scoped)
      )
    }
  }
)
