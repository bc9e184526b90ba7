import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { Goals } from "../../../src/analytics/Goal.ts"
import { OwnerApi } from "../../../src/api/OwnerApi.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { handlers } from "../../../src/server/OwnerRoutes.ts"
import { Authentication } from "../../../src/sites/access/AuthenticationApi.ts"
import * as Authorized from "../../../src/sites/access/Authorized.ts"
import { RecordSites, SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"

const endpoint = HttpApiEndpoint.get("read", "/v1/owner/sites/:site_id/a")

class Declared extends HttpApi.make("a")
  .add(HttpApiGroup.make("group").add(endpoint.middleware(Authorized.inbox.read)))
  .middleware(Authentication) {}

class Undeclared extends HttpApi.make("a").add(HttpApiGroup.make("group").add(endpoint)).middleware(Authentication) {}

/** Type tests: `tsc` fails if the line after `@ts-expect-error` compiles, or if another line does not. Nothing here runs. */
const types = () => {
  const read = Effect.asVoid(Authorized.inbox.read.proof)
  handlers(HttpApiBuilder.group(Declared, "group", (group) => group.handle("read", () => read)))
  // @ts-expect-error The endpoint does not declare that it reads the inbox.
  handlers(HttpApiBuilder.group(Undeclared, "group", (group) => group.handle("read", () => read)))
  handlers(
    // @ts-expect-error Only the operator finds a website by the id of a record.
    HttpApiBuilder.group(Declared, "group", (group) =>
      Effect.as(
        RecordSites,
        group.handle("read", () => read)
      )
    )
  )
  handlers(
    // @ts-expect-error The endpoint declares reading only.
    HttpApiBuilder.group(Declared, "group", (group) =>
      group.handle("read", () => Effect.asVoid(Authorized.inbox.change.proof))
    )
  )
}

void types

/** The operations whose method and right do not agree, with the right that they declare. */
const exceptions: Record<string, string> = {
  // They only read. What they need does not fit into a URL, or must not be in one, because logs contain URLs.
  "POST /v1/owner/query": "stats:read",
  "POST /v1/owner/sites/:site_id/person/export": "inbox:read",
  "POST /v1/owner/session/link": "none",
  "POST /v1/owner/shared/password": "none",
  "POST /v1/owner/shared/query": "none",
  // The link or the session of the request is the right.
  "POST /v1/owner/session": "none",
  "DELETE /v1/owner/session": "none",
  "DELETE /v1/owner/session/devices/:session_id": "none",
  "PUT /v1/owner/session/person": "none",
  // Anyone may ask for a link; it is mailed to a person only.
  "POST /v1/owner/login": "none",
  // Shows the address of the agent, which may hold a secret.
  "GET /v1/owner/sites/:site_id/instances/:instance_id": "settings:change"
}

describe("sites/access/Authorized", () => {
  it("every endpoint whose path names a website declares what it requires", () => {
    HttpApi.reflect(OwnerApi, {
      onGroup: () => {},
      onEndpoint: ({ endpoint }) => {
        if (!endpoint.path.includes(":site_id")) return
        assert.isDefined(Authorized.requiredBy(endpoint), `${endpoint.method} ${endpoint.path}`)
      }
    })
  })

  it("every operation but GET declares that it changes something, and only GET declares that it reads", () => {
    const found: Record<string, string> = {}
    HttpApi.reflect(OwnerApi, {
      onGroup: () => {},
      onEndpoint: ({ endpoint }) => {
        const required = Authorized.requiredBy(endpoint)
        const declared = required === undefined ? "none" : `${required.capability}:${required.mode}`
        const mode = endpoint.method === "GET" ? "read" : "change"
        const isExpected = required === undefined ? mode === "read" : required.mode === mode
        if (!isExpected) found[`${endpoint.method} ${endpoint.path}`] = declared
      }
    })
    assert.deepStrictEqual(found, exceptions)
  })
})

/** A store of goals that does not answer. */
const failing = Layer.effect(
  Goals,
  Effect.map(Goals, (goals) => ({
    ...goals,
    list: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
  }))
)

layer(
  testServer({}, undefined, (storage) => Layer.provideMerge(failing, storage)),
  { excludeTestServices: true }
)("a handler whose store does not answer", (it) => {
  it.effect(
    "answers 503 with Retry-After, but first refuses a caller without access and a path without a website",
    () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const newSite = SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] })).pipe(Effect.orDie)
        const [site, other] = [yield* newSite, yield* newSite]
        const cookie = yield* newCookie("viewer", [site.websiteConfigId])
        const get = (id: string) => send(url, `/v1/owner/sites/${id}/goals`, { cookie })
        const answer = yield* get(site.websiteConfigId)
        assert.strictEqual(answer.status, 503)
        assert.strictEqual(answer.headers.get("retry-after"), "5")
        assert.deepStrictEqual(JSON.parse(answer.text), {
          detail: "The service cannot reach its database now. Send the request again after Retry-After seconds."
        })
        assert.strictEqual((yield* get(other.websiteConfigId)).status, 404)
        assert.strictEqual((yield* get("no-id")).status, 422)
      })
  )
})
