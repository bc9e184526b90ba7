/**
 * The messages for rejected certificates, over real TLS, and for a server without TLS. The certificates have P-256 keys.
 * `root` signs `here` (localhost), `elsewhere` (another name), `expired` and `early`; `self` is self-signed. All but
 * `root` share one key. The valid ones last a hundred years.
 */
import { readFileSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { createSecureContext, getCACertificates, setDefaultCACertificates, TLSSocket } from "node:tls"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Inspection from "../../../src/cli/doctor/Inspection.ts"
import * as ErrorMessages from "../../../src/cli/support/ErrorMessages.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { findingsOf, installation } from "../../support/DoctorFacts.ts"
import * as Ports from "../../support/Ports.ts"
import * as TestRedis from "../../support/TestRedis.ts"

const pem = (name: string): string => readFileSync(new URL(`../fixtures/certificates/${name}`, import.meta.url), "utf8")

/** Starts a server on the loopback address and returns its port. */
const serving = (serve: (socket: Socket) => void) => {
  const server = createServer((socket) => serve(socket.on("error", () => {})))
  return Effect.acquireRelease(
    Effect.callback<Server>((resume) => void server.listen(0, "localhost", () => resume(Effect.succeed(server)))),
    () => Effect.sync(() => server.close())
  ).pipe(
    Effect.map((listeningServer) => {
      const address = listeningServer.address()
      return typeof address === "object" && address !== null ? address.port : 0
    })
  )
}

/**
 * Starts a TLS server with this certificate and returns its port. TLS starts at once or, as in PostgreSQL, after a request for
 * it.
 */
const servingTls = (certificates: ReadonlyArray<string>, awaitsRequest: boolean) => {
  const secureContext = createSecureContext({ cert: certificates.map(pem).join(""), key: pem("leaf.key") })
  return serving((socket) => {
    const encrypt = () => new TLSSocket(socket, { isServer: true, secureContext }).on("error", () => {})
    if (!awaitsRequest) return void encrypt()
    socket.once("data", () => {
      socket.write("S")
      encrypt()
    })
  })
}

/** The message for a PostgreSQL at this port whose URL requires TLS. */
const messageFor = (port: number) => {
  const url = Redacted.make(`postgres://user:word@localhost:${port}/edge?sslmode=require`)
  return SqlClient.SqlClient.use((sql) => sql`SELECT 1`).pipe(
    Database.withTimeout("1 second"),
    Database.mapErrors,
    Effect.provide(Database.layer({ connections: 1, url })),
    Effect.flip,
    Effect.map(ErrorMessages.of)
  )
}

/** Trusts the tests' root certificate, or not, until the scope closes. */
const trusting = (isTrusted: boolean) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const before = getCACertificates("default")
      if (isTrusted) setDefaultCACertificates([...before, pem("root.crt")])
      return before
    }),
    (before) => Effect.sync(() => setDefaultCACertificates(before))
  )

const cases = [
  {
    name: "signed by itself",
    certificate: ["self.crt"],
    code: "DEPTH_ZERO_SELF_SIGNED_CERT",
    reason: "is not signed by"
  },
  {
    name: "with its root",
    certificate: ["here.crt", "root.crt"],
    code: "SELF_SIGNED_CERT_IN_CHAIN",
    reason: "is not signed by"
  },
  {
    name: "without its root",
    certificate: ["here.crt"],
    code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    reason: "NODE_EXTRA_CA_CERTS"
  },
  {
    name: "expired",
    certificate: ["expired.crt"],
    isTrusted: true,
    code: "CERT_HAS_EXPIRED",
    reason: "it has expired"
  },
  { name: "early", certificate: ["early.crt"], isTrusted: true, code: "CERT_NOT_YET_VALID", reason: "not valid yet" },
  {
    name: "of another name",
    certificate: ["elsewhere.crt"],
    isTrusted: true,
    code: "ERR_TLS_CERT_ALTNAME_INVALID",
    reason: "it is for another host"
  }
]

describe("cli: rejected certificates", () => {
  for (const { certificate, code, isTrusted = false, name, reason } of cases) {
    it.live(`PostgreSQL, ${name}`, () =>
      Effect.gen(function* () {
        yield* trusting(isTrusted)
        const port = yield* servingTls(certificate, true)
        const sentence = yield* messageFor(port)
        assert.include(sentence, `The database server's certificate was refused (${code}): `)
        assert.include(sentence, reason)
        assert.match(sentence, /^[^\n]*; [^\n]*\.$/)
        assert.notInclude(sentence, "cannot be reached")
      }).pipe(Effect.scoped)
    )

    it.live(`Redis, ${name}`, () =>
      Effect.gen(function* () {
        yield* trusting(isTrusted)
        const port = yield* servingTls(certificate, false)
        const redis = yield* Inspection.redis(Redacted.make(`rediss://localhost:${port}`))
        const [finding] = findingsOf({ ...installation, redis }, "redis")
        assert.include(finding?.finding, `(${code}: its certificate was refused, as `)
        assert.include(`${finding?.finding} ${finding?.advice}`, reason)
        assert.notInclude(finding?.advice, "Check that Redis runs")
      }).pipe(Effect.scoped)
    )
  }
})

TestRedis.describeWithRedis("cli: a trusted certificate", () => {
  it.live("rediss:// works with a Redis with TLS", () =>
    Effect.gen(function* () {
      yield* trusting(true)
      const file = (name: string) => fileURLToPath(new URL(`../fixtures/certificates/${name}`, import.meta.url))
      const port = yield* Ports.free
      const options = { "tls-port": `${port}`, "tls-cert-file": file("here.crt"), "tls-key-file": file("leaf.key") }
      const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])
      const redis = yield* TestRedis.makeWith({ args: [...args, "--tls-auth-clients", "no"] })
      yield* redis.start
      const facts = yield* Inspection.redis(Redacted.make(`rediss://localhost:${port}`))
      assert.strictEqual(facts._tag, "Shared")
    }).pipe(Effect.scoped)
  )
})

describe("cli: TLS required, server without TLS", () => {
  it.live("reports that PostgreSQL has no TLS", () =>
    Effect.gen(function* () {
      const port = yield* serving((socket) => void socket.once("data", () => socket.write("N")))
      const sentence = yield* messageFor(port)
      assert.include(sentence, "The database server has no TLS, which the sslmode in DATABASE_URL requires; ")
      assert.match(sentence, /^[^\n]*\.$/)
    }).pipe(Effect.scoped)
  )
})
