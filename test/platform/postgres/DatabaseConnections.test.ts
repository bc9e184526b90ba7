/**
 * Compares the URLs that `platform/postgres/DatabaseUrl` finds faulty with those that the driver rejects.
 */
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted, Schema } from "effect"
import { Reactivity } from "effect/reactivity"
import * as DatabaseUrl from "../../../src/platform/postgres/DatabaseUrl.ts"
import * as SystemErrorCode from "../../../src/platform/text/SystemErrorCode.ts"

const Part = Schema.Literals(["", "a", "%", "%4", "%41", "%zz", "%ff", "a%"])
const Value = Schema.Literals(["", "0", "1", "-1", "1.5", "2", "65536", "1e1", "x", " 7 ", "require", "true"])
const Parameter = Schema.Tuple([Schema.Literals(["port", "connect_timeout", "sslmode", "user"]), Value])

/** Whether the driver accepts a URL: it then tries to connect, and finds that no server listens on the port. */
const isAccepted = (url: URL) =>
  PgClient.make({ url: Redacted.make(url.href), minConnections: 0, maxConnections: 1 }).pipe(
    Effect.flatMap((sql) => Effect.flip(sql`SELECT 1`)),
    Effect.map(({ reason }) => SystemErrorCode.of(reason.cause) === "ECONNREFUSED"),
    Effect.provide(Reactivity.layer),
    Effect.scoped
  )

describe("platform/postgres/DatabaseUrl and the driver", () => {
  it.live.prop(
    "exactly the URLs that the driver rejects are faulty",
    {
      user: Part,
      password: Part,
      database: Part,
      port: Schema.Literals([":0", ":1", ":2"]),
      parameters: Schema.Array(Parameter).check(Schema.isMaxLength(2))
    },
    ({ database, parameters, password, port, user }) =>
      Effect.gen(function* () {
        const url = new URL(
          `postgres://u${user}:${password}@127.0.0.1${port}/${database}?${new URLSearchParams(parameters as Array<[string, string]>)}`
        )
        assert.strictEqual(DatabaseUrl.fault(url) === null, yield* isAccepted(url), url.href)
      }),
    { arbitrary: { runs: 200 } }
  )
})
