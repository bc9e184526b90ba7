/**
 * The rows that requests of one owner read in PostgreSQL while another owner has 20,000 revoked keys, ended sessions and
 * revoked tokens.
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, Layer, Option, Schema } from "effect"
import { InstanceDirectory as Instances } from "../../../src/chat/InstanceDirectory.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as WidgetTokens from "../../../src/chat/postgres/WidgetTokens.ts"
import { WidgetTokens as Tokens } from "../../../src/chat/WidgetTokens.ts"
import type { WebsiteConfigId } from "../../../src/platform/Id.ts"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"
import type * as Access from "../../../src/sites/access/Access.ts"
import { limits, ConsoleSessions as Sessions } from "../../../src/sites/access/ConsoleSession.ts"
import { OwnerKeys as Keys } from "../../../src/sites/access/OwnerKey.ts"
import * as ConsoleSessions from "../../../src/sites/access/postgres/ConsoleSessions.ts"
import * as OwnerKeys from "../../../src/sites/access/postgres/OwnerKeys.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { SiteDirectory as Sites } from "../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const services = Layer.mergeAll(
  OwnerKeys.layer,
  ConsoleSessions.layer({ idle: limits.idle }),
  WidgetTokens.layer(),
  InstanceDirectory.layer(),
  SiteDirectory.layer()
).pipe(Layer.provideMerge(TestClient.layer))

const count = 20_000

/** More than the requests below read, and far fewer than the other owner's rows. */
const maxRead = 200

const newInstance = (websiteConfigId: WebsiteConfigId) =>
  Instances.use((instances) =>
    instances.create({
      name: "a",
      agent_url: "https://a.example",
      agent_model: "m",
      agent_key_env: null,
      origins: [],
      website_config_id: websiteConfigId
    })
  )

/** Fills the tables for a website and an instance. All keys and links come from one session. */
const fill = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, instanceId: string) {
  const sql = yield* PgClient.PgClient
  const [site, instance] = [PgTypes.uuid(websiteConfigId), PgTypes.uuid(instanceId)]
  const digest = "decode(md5(n::text || $1) || md5($1 || n::text), 'hex')"
  const numbers = `generate_series(1, ${count}) AS n`
  const createdAt = "now() - n * interval '1 second'"
  const issuer = "'6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11'"
  yield* sql.unsafe(
    `INSERT INTO owner_key (key_id, key_sha256, scope, all_sites, created_at, revoked_at, issued_by)
      SELECT gen_random_uuid(), ${digest}, 'stats', false, ${createdAt}, now(), ${issuer} FROM ${numbers}`,
    [PgTypes.text("key")]
  )
  yield* sql`INSERT INTO owner_key_site SELECT key_id, ${site} FROM owner_key`
  yield* sql.unsafe(
    `INSERT INTO console_session (session_id, link_sha256, role, all_sites, created_at, link_expires_at, created_by)
      SELECT gen_random_uuid(), ${digest}, 'viewer', false, ${createdAt}, to_timestamp(0), ${issuer} FROM ${numbers}`,
    [PgTypes.text("link")]
  )
  yield* sql`INSERT INTO console_session_site SELECT session_id, ${site} FROM console_session`
  yield* sql.unsafe(
    `INSERT INTO widget_token (token_id, instance_id, token_sha256, created_at, revoked_at)
      SELECT gen_random_uuid(), $2, ${digest}, ${createdAt}, now() FROM ${numbers}`,
    [PgTypes.text("token"), instance]
  )
  yield* sql`ANALYZE`
})

const Reads = Schema.Tuple([Schema.Struct({ count: Schema.Finite })])

/** The rows that this transaction has read so far, also from indexes. */
const rowsRead = PgClient.PgClient.use((sql) =>
  sql`SELECT coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::float8 AS count FROM pg_stat_xact_user_tables`.pipe(
    decodeRows(Reads),
    Effect.map(([{ count }]) => count)
  )
)

/** Runs a request, and fails if it reads more than `maxRead` rows. */
const reading = Effect.fnUntraced(function* <A, E, R>(name: string, request: Effect.Effect<A, E, R>) {
  const sql = yield* PgClient.PgClient
  return yield* sql.withTransaction(
    Effect.gen(function* () {
      const before = yield* rowsRead
      const answer = yield* request
      const read = (yield* rowsRead) - before
      assert.isAtMost(read, maxRead, name)
      return answer
    })
  )
})

/** The id of an open session. */
const openSession = (sites: Access.Access["sites"]) =>
  Effect.gen(function* () {
    const sessions = yield* Sessions
    const created = yield* sessions.createLink({ role: "owner", sites, label: null, linkExpiresAt: 4_102_444_800_000 })
    const opened = yield* sessions.open((yield* Effect.fromOption(created)).link)
    return (yield* Effect.fromOption(opened)).session.session_id
  })

const first = { after: null, limit: 50 } as const

shared(services)("20,000 ended keys, sessions and tokens of another owner", (it) => {
  it.effect(
    "lists, creations and revocations of an owner read a bounded number of rows",
    () =>
      Effect.gen(function* () {
        const [busy, quiet] = yield* Effect.all([
          Sites.use((sites) => sites.create({ name: "busy", origins: [] })),
          Sites.use((sites) => sites.create({ name: "quiet", origins: [] }))
        ])
        const [full, instance] = [yield* newInstance(busy.websiteConfigId), yield* newInstance(quiet.websiteConfigId)]
        yield* fill(busy.websiteConfigId, full.instance_id)
        const keys = yield* Keys
        const sessions = yield* Sessions
        const tokens = yield* Tokens
        const sites = [quiet.websiteConfigId]
        const session = yield* openSession(sites)

        for (const reached of [sites, "all"] as const) {
          const asOwner = <A, E, R>(name: string, request: Effect.Effect<A, E, R>) =>
            reading(`${name} (${reached})`, request)
          const query = { ...first, sites: reached, reaching: quiet.websiteConfigId }
          // The owner's session issues the keys and links, as in the console.
          const issuedKey = keys.issue({
            scope: "stats",
            sites,
            label: null,
            expiresAt: null,
            issuedBy: session,
            callerSites: reached
          })
          const { key_id } = Option.getOrThrow(yield* asOwner("issue", issuedKey))
          const listedKeys = yield* asOwner("keys", keys.list({ ...query, unrevoked: true }))
          assert.include(
            listedKeys.map((key) => key.key_id),
            key_id
          )
          const managed = { withOpened: true, callerSites: reached }
          assert.isTrue(Option.isSome(yield* asOwner("revoke key", keys.revoke(key_id, managed))))
          const createdLink = sessions.createLink({
            role: "viewer",
            sites,
            label: null,
            linkExpiresAt: 4_102_444_800_000,
            createdBy: session,
            callerSites: reached
          })
          const { session_id } = Option.getOrThrow(yield* asOwner("link", createdLink)).session
          const listedSessions = yield* asOwner(
            "sessions",
            sessions.list(reached === "all" ? query : { ...query, reaching: null })
          )
          assert.include(
            listedSessions.map((listed) => listed.session_id),
            session_id
          )
          assert.isTrue(Option.isSome(yield* asOwner("revoke session", sessions.revoke(session_id, managed))))
        }

        const { instance_id: instanceId } = instance
        const token = Option.getOrThrow(
          yield* reading("issue token", tokens.issue({ reach: "all", instanceId, label: null, expiresAt: null }))
        )
        const listed = yield* reading("tokens", tokens.list({ reach: "all", ...first, instanceId, unrevoked: true }))
        assert.deepStrictEqual(
          listed.map(({ token_id: tokenId }) => tokenId),
          [token.token_id]
        )
        assert.isTrue(
          yield* reading("revoke token", tokens.revoke({ reach: "all", instanceId, tokenId: token.token_id }))
        )

        // The owner of the many tokens gets a part of them.
        const part = yield* reading(
          "many tokens",
          tokens.list({ reach: "all", ...first, instanceId: full.instance_id, unrevoked: false })
        )
        assert.lengthOf(part, first.limit)
      }),
    120_000
  )
})
