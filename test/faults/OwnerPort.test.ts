/**
 * The owner API's own port, in one process and in several.
 */
import { createServer } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Option, Redacted } from "effect"
import * as App from "../../src/App.ts"
import { Settings } from "../../src/Config.ts"
import { OwnerKeys } from "../../src/services/sites/OwnerKeys.ts"
import { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import * as Command from "../support/Command.ts"
import { send } from "../support/OwnerRequests.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import * as Process from "../torture/Process.ts"

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
    return { databaseUrl: Redacted.value(url), site, key, revoke: keys.revoke(key.keyId) }
  }).pipe(Effect.provideContext(storage))
}).pipe(Effect.orDie)

const ownerUrl = (service: Process.Process) =>
  until("the owner API has an address", () => /Owner API on (http:\/\/127\.0\.0\.1:\d+)/.exec(service.output())?.[1])

describe("faults: the owner API's own port", () => {
  for (const flags of [[], ["--workers", "2"]]) {
    it.live(
      `serve ${flags.join(" ")}: only that port has the API, which a revoked key cannot use`,
      () =>
        Effect.scoped(
          Effect.gen(function* () {
            const { databaseUrl, key, revoke, site } = yield* seeded
            const env = { DATABASE_URL: databaseUrl, OWNER_PORT: "0" }
            const service = yield* Process.start("serve", env, flags)
            const owner = yield* ownerUrl(service)
            assert.notStrictEqual(owner, service.url)
            // More requests than workers, on connections of their own.
            for (let index = 0; index < 6; index++) {
              const listed = yield* send(owner, "/v1/owner/sites", {
                key: key.key,
                init: { headers: { connection: "close" } }
              })
              assert.strictEqual(listed.status, 200, listed.text)
              assert.include(listed.text, site.websiteConfigId)
            }
            assert.strictEqual((yield* send(owner, "/v1/owner/sites")).status, 401)
            assert.strictEqual((yield* send(owner, "/docs")).status, 200)
            assert.strictEqual((yield* send(owner, "/v1/public/analytics/track", { body: {} })).status, 404)
            assert.strictEqual((yield* send(owner, "/healthz")).status, 404)
            assert.strictEqual((yield* send(service.url, "/v1/owner/sites", { key: key.key })).status, 404)
            assert.strictEqual((yield* send(service.url, "/healthz")).status, 200)
            yield* revoke
            // Each worker caches the key for less than a second.
            for (let refused = 0; refused < 4; ) {
              const { status } = yield* send(owner, "/v1/owner/sites", {
                key: key.key,
                init: { headers: { connection: "close" } }
              })
              refused = status === 401 ? refused + 1 : 0
            }
            yield* service.signal("SIGTERM")
            assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
            assert.notInclude(service.output(), key.key)
          })
        ),
      120_000
    )

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
