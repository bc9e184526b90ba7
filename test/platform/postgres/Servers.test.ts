import { readFileSync } from "node:fs"
import { getCACertificates, setDefaultCACertificates } from "node:tls"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as ReplicatedPair from "../../support/postgres/ReplicatedPair.ts"

interface PortRow {
  readonly port: number
}

/** Connects to a URL, and returns the port of the server that the connection goes to. */
const portOf = (url: string, timeout: "3 seconds" | "60 seconds" = "60 seconds") =>
  SqlClient.SqlClient.use((sql) => sql<PortRow>`SELECT current_setting('port')::int AS port`).pipe(
    Database.withTimeout(timeout),
    Database.mapErrors,
    Effect.map(([row]) => row?.port),
    Effect.provide(Layer.fresh(Database.layer({ url: Redacted.make(url), connections: 1 })))
  )

/** Trusts the root of the tests' certificates until the scope closes. */
const trustTestRoot = Effect.acquireRelease(
  Effect.sync(() => {
    const before = getCACertificates("default")
    const root = readFileSync(new URL("../../cli/fixtures/certificates/root.crt", import.meta.url), "utf8")
    setDefaultCACertificates([...before, root])
    return before
  }),
  (before) => Effect.sync(() => setDefaultCACertificates(before))
)

describe("platform/postgres/Servers", () => {
  it.live(
    "each connection goes to a server that matches target_session_attrs, and after a failover to the new primary",
    () =>
      Effect.gen(function* () {
        const pair = yield* ReplicatedPair.make
        const { primary, replica } = pair
        const urlOf = (attribute: string, ports: ReadonlyArray<number>) => {
          const url = new URL(primary.url)
          const hosts = ports.map((port) => `127.0.0.1:${port}`).join(",")
          const query = attribute === "" ? "" : `?target_session_attrs=${attribute}`
          return `postgres://postgres:${url.password}@${hosts}/postgres${query}`
        }
        const both = [replica.port, primary.port]
        for (const [attribute, expected] of [
          ["read-write", primary.port],
          ["primary", primary.port],
          ["", primary.port],
          ["standby", replica.port],
          ["read-only", replica.port],
          ["prefer-standby", replica.port]
        ] as const) {
          assert.strictEqual(yield* portOf(urlOf(attribute, both)), expected, attribute)
        }
        assert.strictEqual(yield* portOf(urlOf("prefer-standby", [primary.port, 1])), primary.port)
        assert.include(both, yield* portOf(urlOf("any", both)))
        const encrypted = `${urlOf("read-write", both)}&sslmode=require`
        const untrusted = yield* Effect.flip(portOf(encrypted, "3 seconds"))
        assert.deepInclude(untrusted, { reason: "unreachable", code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" })
        yield* trustTestRoot
        assert.strictEqual(yield* portOf(encrypted), primary.port)
        const denied = yield* Effect.flip(portOf(urlOf("read-write", [replica.port, 1]), "3 seconds"))
        assert.strictEqual(denied.reason, "read-only")
        const missing = yield* Effect.flip(portOf(urlOf("read-write", [1, 2]), "3 seconds"))
        assert.deepInclude(missing, { reason: "unreachable", code: "ECONNREFUSED" })

        const database = yield* Layer.build(Database.layer({ url: Redacted.make(pair.url), connections: 2 }))
        const query = SqlClient.SqlClient.use((sql) => sql<PortRow>`SELECT current_setting('port')::int AS port`).pipe(
          Database.withTimeout("30 seconds"),
          Database.mapErrors,
          Effect.map(([row]) => row?.port),
          Effect.provide(database)
        )
        assert.strictEqual(yield* query, primary.port)
        yield* primary.kill
        const [port] = yield* Effect.all([query, pair.promote], { concurrency: "unbounded" })
        assert.strictEqual(port, replica.port)
      }).pipe(Effect.scoped)
  )
})
