/**
 * The maximum of everything that an owner can create, from the contract: requests at the same time create
 * exactly as many, and the next one is refused with a 422 that says what to do.
 */
import { readFile } from "node:fs/promises"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, Option, Redacted } from "effect"
import * as OpenApi from "effect/http-api/OpenApi"
import { OwnerApi } from "../../../src/api/OwnerApi.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../../src/chat/WidgetTokens.ts"
import type { InstanceId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { newCookie, newLink, send } from "../../support/OwnerRequests.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { options, TestServer, onPostgres as testServer } from "../../support/TestServer.ts"

const endpoints = Object.values(OwnerApi.groups).flatMap(({ endpoints }) => Object.values(endpoints))

/** The maximums that end the description of an operation, in its order. */
const maximumsIn = (description: string) =>
  Maximums.all
    .map((maximum) => ({ maximum, at: description.indexOf(`at most ${maximum.max} ${maximum.of}`) }))
    .filter(({ at }) => at !== -1 && description.endsWith("; 422 beyond that."))
    .sort((left, right) => left.at - right.at)
    .map(({ maximum }) => maximum)

/** The operations that name maximums. One without them creates nothing that stays, or replaces something. */
const creations = endpoints
  .map(({ annotations, method, path }) => ({
    maximums: maximumsIn(Context.get(annotations, OpenApi.Description)),
    method,
    path,
    name: `${method} ${path.replace("/v1/owner/", "").replace("sites/:site_id/", "")}`
  }))
  .filter(({ maximums }) => maximums.length > 0)

/**
 * Operations with a body that create nothing, or only what ends by itself or has a limit in time, such as replies, and those of
 * callers that reach all websites.
 */
const notCreating = [
  "POST query",
  "POST shared/query",
  "POST shared/password",
  "POST session",
  "POST session/link",
  "POST login",
  "POST sessions/:session_id/mail",
  "PUT people/:person_id/role",
  "POST sites",
  "POST delete",
  "POST instances/:instance_id/conversations/:conversation_id/opened",
  "POST instances/:instance_id/test",
  "POST notifications/:notification_id/confirmation",
  "POST notifications/:notification_id/test",
  "POST person/erase",
  "POST person/export",
  "POST submissions/:submission_id/replies",
  "POST submissions/delete",
  "POST submissions/purge",
  "POST submissions/read",
  "POST submissions/release",
  "POST submissions/restore",
  "POST webhooks/:webhook_id/deliveries/:event_id/retry",
  "POST webhooks/:webhook_id/replay",
  "POST webhooks/:webhook_id/rotate",
  "POST webhooks/:webhook_id/test"
]

it("every operation that creates something declares its maximum", () => {
  const posts = endpoints.filter(({ method }) => method === "POST" || method === "PUT")
  assert.sameMembers(
    posts.map(({ method, path }) => `${method} ${path.replace("/v1/owner/", "").replace("sites/:site_id/", "")}`),
    [...creations.map(({ name }) => name), ...notCreating]
  )
  assert.sameMembers([...new Set(creations.flatMap(({ maximums }) => maximums))], [...Maximums.all])
  assert.sameMembers(
    creations.filter(({ name }) => !Object.hasOwn(bodies, name)).map(({ name }) => name),
    ["POST notifications", "POST submissions/spam", "PUT forms/auto-replies", "PUT session/person"]
  )
})

it("the guide's table has every maximum", async () => {
  const guide = await readFile("src/docs/settings.md", "utf8")
  const rows = guide.slice(guide.indexOf("## Maximums")).matchAll(/^\| ([^|]+) \| ([^|]+) \| ([0-9]+) \|$/gm)
  assert.deepStrictEqual(
    Array.from(rows, ([, of, per, max]) => `${of} ${per} ${max}`),
    Maximums.all.map(({ max, of, per }) => `${of} ${per} ${max}`)
  )
})

/** A different body for each request. */
const bodies: Readonly<Record<string, (index: number, site: string) => object>> = {
  "POST goals": (index) => ({ kind: "event", value: "signup", name: `goal ${index}` }),
  "PUT forms": (index) => ({ page: `page ${index}`, rules: { name: { required: true } } }),
  "POST instances": () => ({ name: "A", agent_url: "https://agent.example.com/v1" }),
  "POST instances/:instance_id/tokens": () => ({}),
  "POST webhooks": () => ({ url: "https://hooks.example.com/" }),
  "POST shares": () => ({}),
  "POST keys": (_, site) => ({ scope: "stats", sites: [site] }),
  "POST sessions": (_, site) => ({ role: "viewer", sites: [site] })
}

/** Create what a maximum of a hundred counts, without the request, which takes several times as long. */
const others = {
  "POST instances/:instance_id/tokens": (_: WebsiteConfigId, instanceId: InstanceId) =>
    WidgetTokens.use((tokens) => tokens.issue({ reach: "all", instanceId, label: null, expiresAt: null })),
  "POST keys": (site: WebsiteConfigId) =>
    OwnerKeys.use((keys) => keys.issue({ scope: "stats", sites: [site], label: null, expiresAt: null })),
  "POST sessions": (site: WebsiteConfigId) => newLink("viewer", [site])
}

const secretsKey = Option.some(Redacted.make(new Uint8Array(32)))

/**
 * The others need a mail server, submissions to mark, or people; `Notifications.test.ts`, `AutoReplies.test.ts`, `SpamMarks.test.ts`
 * and `People.ts` test their maximums.
 */
const tested = creations.filter(({ name }) => Object.hasOwn(bodies, name))

const live = Layer.merge(testServer({ ...options, secretsKey }), TestClient.layer)

layer(live, { excludeTestServices: true })("maximums", (it) => {
  const newOwner = Effect.gen(function* () {
    const { url } = yield* TestServer
    const { websiteConfigId } = yield* SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] }))
    const cookie = yield* newCookie("owner", [websiteConfigId])
    const instance = yield* InstanceDirectory.use((instances) =>
      instances.create({ name: "A", agent_url: "https://agent.example.com/v1", website_config_id: websiteConfigId })
    )
    const create = ({ method, name, path }: (typeof creations)[number], index: number) =>
      send(url, path.replace(":site_id", websiteConfigId).replace(":instance_id", instance.instance_id), {
        cookie,
        body: bodies[name]?.(index, websiteConfigId),
        init: { method }
      })
    return { create, websiteConfigId, instanceId: instance.instance_id }
  })

  for (const creation of tested) {
    it.effect(`${creation.name} keeps its maximum, also with concurrent requests`, () =>
      Effect.gen(function* () {
        const owner = yield* newOwner
        const [maximum] = creation.maximums
        assert.isDefined(maximum)
        if (maximum === undefined) return
        const other = Object.entries(others).find(([name]) => name === creation.name)?.[1]
        const requests = other === undefined ? maximum.max : 20
        for (let created = requests; created < maximum.max; created++) {
          yield* other?.(owner.websiteConfigId, owner.instanceId) ?? Effect.void
        }
        const indexes = Array.from({ length: requests + 5 }, (_, index) => index)
        const answers = yield* Effect.forEach(indexes, (index) => owner.create(creation, index), {
          concurrency: 20
        })
        const refused = answers.filter(({ status }) => status !== 200)
        // The owner's session, or its instance, counts too.
        const expected = creation.name === "POST sessions" || creation.name === "POST instances" ? 6 : 5
        assert.lengthOf(refused, expected)
        for (const { status, text } of refused) {
          assert.strictEqual(status, 422)
          assert.include(text, Maximums.message(maximum))
        }
      })
    )
  }

  it.effect("revoked keys and tokens count too", () =>
    Effect.gen(function* () {
      const owner = yield* newOwner
      const [keys, tokens] = [yield* OwnerKeys, yield* WidgetTokens]
      const one = { label: null, expiresAt: null }
      const key = yield* keys.issue({ ...one, scope: "stats", sites: [owner.websiteConfigId] })
      yield* keys.revoke(Option.getOrThrow(key).key_id)
      const token = yield* tokens.issue({ reach: "all", ...one, instanceId: owner.instanceId })
      yield* tokens.revoke({ reach: "all", tokenId: Option.getOrThrow(token).token_id, instanceId: owner.instanceId })
      // Copies of the revoked ones: to issue and revoke each takes two thousand statements.
      const sql = yield* PgClient.PgClient
      yield* sql`
        WITH copied AS (
          INSERT INTO owner_key (key_id, key_sha256, scope, all_sites, created_at, revoked_at)
          SELECT gen_random_uuid(), sha256(uuid_send(gen_random_uuid())), scope, all_sites, created_at, revoked_at
          FROM owner_key, generate_series(2, ${Maximums.storedKeys.max}::int)
          WHERE key_id = ${PgTypes.uuid(Option.getOrThrow(key).key_id)}
          RETURNING key_id
        )
        INSERT INTO owner_key_site SELECT key_id, ${PgTypes.uuid(owner.websiteConfigId)} FROM copied`
      yield* sql`
        INSERT INTO widget_token (token_id, token_sha256, instance_id, created_at, revoked_at)
        SELECT gen_random_uuid(), sha256(uuid_send(gen_random_uuid())), instance_id, created_at, revoked_at
        FROM widget_token, generate_series(2, ${Maximums.storedTokens.max}::int)
        WHERE token_id = ${PgTypes.uuid(Option.getOrThrow(token).token_id)}`
      for (const [name, maximum] of [
        ["POST keys", Maximums.storedKeys],
        ["POST instances/:instance_id/tokens", Maximums.storedTokens]
      ] as const) {
        for (const creation of creations.filter((one) => one.name === name)) {
          const { status, text } = yield* owner.create(creation, 0)
          assert.strictEqual(status, 422, name)
          assert.include(text, Maximums.message(maximum))
        }
      }
    })
  )
})
