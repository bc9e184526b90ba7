/**
 * The owner API's own port, in one process and in several.
 */
import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import * as Raw from "../../scripts/torture/Raw.ts"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as Command from "../support/Command.ts"
import * as InProcessServe from "../support/InProcessServe.ts"
import { send } from "../support/OwnerRequests.ts"
import * as Process from "../support/Process.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"

/** A website and a key for it, in a database of their own. */
const seeded = Effect.gen(function* () {
  const { url } = yield* TestDatabase.connection
  const settings = yield* Settings.parse(ConfigProvider.fromUnknown({}))
  const storage = yield* Layer.build(App.storage(settings).pipe(Layer.provide(App.database(settings, { url }))))
  return yield* Effect.gen(function* () {
    const keys = yield* OwnerKeys
    const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Owned", origins: [] }))
    const issued = yield* keys.issue({
      scope: "stats",
      sites: [site.websiteConfigId],
      label: null,
      expiresAt: null
    })
    const key = Option.getOrThrow(issued)
    return { databaseUrl: Redacted.value(url), site, key, revoke: keys.revoke(key.key_id) }
  }).pipe(Effect.provideContext(storage))
}).pipe(Effect.orDie)

/** Checks that only the URL `owner` has the API, and that a revoked key cannot use it. */
const checkPorts = Effect.fnUntraced(function* (
  url: string,
  owner: string,
  { key, revoke, site }: Effect.Success<typeof seeded>
) {
  assert.notStrictEqual(owner, url)
  // Each request has its own connection, which any worker may get.
  const list = send(owner, "/v1/owner/sites", { key: key.key, init: { headers: { connection: "close" } } })
  // More requests than workers.
  for (let index = 0; index < 6; index++) {
    const { status, text } = yield* list
    assert.strictEqual(status, 200, text)
    assert.include(text, site.websiteConfigId)
  }
  assert.strictEqual((yield* send(owner, "/v1/owner/sites")).status, 401)
  assert.strictEqual((yield* send(owner, "/docs")).status, 200)
  assert.strictEqual((yield* send(owner, "/v1/public/analytics/track", { body: {} })).status, 404)
  assert.strictEqual((yield* send(owner, "/healthz")).status, 404)
  const browser = { init: { headers: { accept: "text/html" } } }
  const unknown = yield* send(owner, "/nothing", browser)
  assert.strictEqual(unknown.status, 404)
  assert.include(unknown.text, '<a href="/docs">')
  assert.strictEqual((yield* send(url, "/v1/owner/sites", { key: key.key })).status, 404)
  assert.strictEqual((yield* send(url, "/healthz")).status, 200)
  yield* revoke
  // Each worker caches the key for less than a second.
  for (let refused = 0; refused < 4; ) {
    const { status } = yield* list
    refused = status === 401 ? refused + 1 : 0
  }
})

const onlyThatPort = "only that port has the API, and a revoked key cannot use it"

describe.concurrent("faults: the owner API's own port", () => {
  it.live(
    `serve: ${onlyThatPort}`,
    () =>
      Effect.gen(function* () {
        const records = yield* seeded
        const { output, owner, url } = yield* InProcessServe.start({
          DATABASE_URL: records.databaseUrl,
          OWNER_PORT: "0"
        })
        yield* checkPorts(url, owner ?? "", records)
        assert.notInclude(output(), records.key.key)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    `serve --workers 2: ${onlyThatPort}, and the workers divide the connection limit of an address`,
    () =>
      Effect.gen(function* () {
        const records = yield* seeded
        const env = { DATABASE_URL: records.databaseUrl, OWNER_PORT: "0", CONNECTIONS_PER_ADDRESS: "4" }
        const service = yield* Process.start("serve", env, ["--workers", "2"])
        const owner = yield* until(
          "the owner API has a URL",
          () => /Owner API on (http:\/\/127\.0\.0\.1:\d+)/.exec(service.output())?.[1]
        )
        yield* checkPorts(service.url, owner, records)

        const connections: Array<Raw.Raw> = []
        for (let times = 0; times < 12; times++) {
          const connection = yield* Raw.open(service.port)
          connection.write("HEAD /healthz HTTP/1.1\r\nHost: edge\r\n\r\n")
          yield* until("the request is answered", () => Raw.statuses(connection.received()).length === 1)
          connections.push(connection)
        }
        const open = () => connections.filter(({ closed }) => !closed()).length
        yield* until("only as many connections are open as an address may have", () => open() <= 4)
        assert.strictEqual(open(), 4)
        yield* until("it is logged", () => service.output().includes("An address reached its limit of 2 connections"))

        yield* service.signal("SIGTERM")
        assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
        assert.notInclude(service.output(), records.key.key)
      }).pipe(Effect.scoped),
    120_000
  )

  for (const flags of [[], ["--workers", "2"]]) {
    it.live(
      `serve ${flags.join(" ")}: a port that is in use ends the start with an error that names the setting`,
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { databaseUrl } = yield* seeded
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
            const { code, output } = yield* Command.run(["serve", ...flags], {
              DATABASE_URL: databaseUrl,
              PORT: "0",
              OWNER_PORT: String(port.port)
            })
            assert.strictEqual(code, 1)
            assert.include(
              output,
              `Cannot listen on 127.0.0.1:${port.port}: another program uses this port; set OWNER_PORT to another one.`
            )
          })
        ),
      120_000
    )
  }
})
