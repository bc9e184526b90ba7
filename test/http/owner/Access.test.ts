/**
 * What each key and session may do: every operation that names a website, with each scope, for a website of the key or
 * session, for another owner's, and for one that does not exist.
 */
import { randomUUID } from "node:crypto"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as App from "../../../src/App.ts"
import { OwnerApi } from "../../../src/contract/owner/Api.ts"
import { Caller } from "../../../src/contract/owner/Authentication.ts"
import * as Role from "../../../src/core/sites/Role.ts"
import * as Scope from "../../../src/core/sites/Scope.ts"
import * as Fallbacks from "../../../src/http/middleware/Fallbacks.ts"
import { OwnerReports } from "../../../src/http/owner/access/OwnerReports.ts"
import * as OwnerSites from "../../../src/http/owner/access/OwnerSites.ts"
import type { Handlers } from "../../../src/http/owner/OwnerRoutes.ts"
import * as SiteSlots from "../../../src/http/owner/SiteSlots.ts"
import { Reports } from "../../../src/services/analytics/Reports.ts"
import { OwnerKeys } from "../../../src/services/sites/OwnerKeys.ts"
import { SiteDirectory as Sites } from "../../../src/services/sites/SiteDirectory.ts"
import type { Operation } from "../../support/OwnerOperation.ts"
import { operations, requestOf } from "../../support/OwnerOperations.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { emptyStorages } from "../../support/Storages.ts"
import { TestServer, layer as testServer } from "../../support/TestServer.ts"

it("the list of operations that name a website is complete", () => {
  assert.sameMembers(
    Fallbacks.endpointsOf(OwnerApi).map(({ method, path }) => `${method} ${path}`),
    [
      "GET /v1/owner/sites",
      "POST /v1/owner/sites",
      ...["keys", "sessions"].flatMap((name) => [
        `GET /v1/owner/${name}`,
        `POST /v1/owner/${name}`,
        `DELETE /v1/owner/${name}/:${name.slice(0, -1)}_id`
      ]),
      ...["POST", "GET", "DELETE"].map((method) => `${method} /v1/owner/session`),
      "GET /v1/owner/shared",
      "GET /v1/owner/sites/:site_id/live",
      "POST /v1/owner/shared/query",
      "GET /v1/owner/shared/now",
      ...operations.map(({ method, path }) => `${method} ${path}`)
    ]
  )
})

const newSite = Sites.use((sites) => sites.create({ name: "A", origins: [] })).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId)
)

const newKey = (scope: Scope.Scope, sites: "all" | ReadonlyArray<string>) =>
  OwnerKeys.use((keys) => keys.issue({ scope, sites, label: null, expiresAt: null })).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.map(({ key }) => key),
    Effect.orDie
  )

const sendOperation = (
  url: string,
  operation: Operation,
  site: string,
  credentials: { readonly key?: string; readonly cookie?: string }
) =>
  Effect.flatMap(requestOf(operation, site), ({ path, ...request }) => send(url, path, { ...request, ...credentials }))

for (const [name, storage] of emptyStorages) {
  layer(testServer({}, undefined, undefined, storage()), { excludeTestServices: true })(
    `the owner API ${name}`,
    (it) => {
      for (const scope of Scope.scopes) {
        it.effect(`a key with the scope ${scope} does what its scope includes, only for the key's websites`, () =>
          Effect.gen(function* () {
            const { url } = yield* TestServer
            const [ownSite, otherSite, unknownSite] = [yield* newSite, yield* newSite, randomUUID()]
            const [limited, unlimited] = [yield* newKey(scope, [ownSite]), yield* newKey(scope, "all")]
            for (const operation of operations) {
              const answer = (site: string, key: string) => sendOperation(url, operation, site, { key })
              const allowed = Scope.includes(scope, operation.scope) ? (operation.status ?? 200) : 404
              assert.strictEqual((yield* answer(ownSite, limited)).status, allowed, operation.path)
              assert.strictEqual((yield* answer(otherSite, unlimited)).status, allowed, operation.path)
              const [foreign, absent] = [yield* answer(otherSite, limited), yield* answer(unknownSite, limited)]
              assert.deepStrictEqual([foreign.status, absent.status], [404, 404], operation.path)
              // A key cannot tell a website of another owner from one that does not exist.
              assert.strictEqual(foreign.text, absent.text)
              assert.strictEqual((yield* answer(unknownSite, unlimited)).text, absent.text)
            }
          })
        )
      }

      it.effect("an operation accepts a website's id in capitals, and refuses a request without a key", () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const ownSite = yield* newSite
          const key = yield* newKey("write", [ownSite])
          for (const operation of operations) {
            const answer = yield* sendOperation(url, operation, ownSite.toUpperCase(), { key })
            assert.strictEqual(answer.status, operation.status ?? 200, operation.path)
            assert.strictEqual((yield* sendOperation(url, operation, ownSite, {})).status, 401, operation.path)
          }
        })
      )

      for (const role of Role.roles) {
        it.effect(
          `a session of the role ${role} does what the role's scope includes, only for the session's websites`,
          () =>
            Effect.gen(function* () {
              const { url } = yield* TestServer
              const [ownSite, otherSite, unknownSite] = [yield* newSite, yield* newSite, randomUUID()]
              const [limited, unlimited] = [yield* newCookie(role, [ownSite]), yield* newCookie(role, "all")]
              for (const operation of operations) {
                const answer = (site: string, cookie: string) => sendOperation(url, operation, site, { cookie })
                const allowed = Scope.includes(Role.scopeOf[role], operation.scope) ? (operation.status ?? 200) : 404
                assert.strictEqual((yield* answer(ownSite, limited)).status, allowed, operation.path)
                assert.strictEqual((yield* answer(otherSite, unlimited)).status, allowed, operation.path)
                const [foreign, absent] = [yield* answer(otherSite, limited), yield* answer(unknownSite, limited)]
                assert.deepStrictEqual([foreign.status, absent.status], [404, 404], operation.path)
                assert.strictEqual(foreign.text, absent.text)
              }
            })
        )
      }

      it.effect("the list of websites has only those of the key", () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const [first, second, otherSite] = [yield* newSite, yield* newSite, yield* newSite]
          const listed = Effect.fnUntraced(function* (key: string) {
            const { status, text } = yield* send(url, "/v1/owner/sites", { key })
            assert.strictEqual(status, 200)
            const { sites } = JSON.parse(text) as { sites: ReadonlyArray<{ site_id: string; time_zone: string }> }
            return sites.map(({ site_id }) => site_id)
          })
          assert.sameMembers(yield* listed(yield* newKey("stats", [second, first])), [first, second])
          assert.includeMembers(yield* listed(yield* newKey("write", "all")), [first, second, otherSite])
        })
      )
    }
  )
}

describe("http/owner/access/OwnerSites", () => {
  it.effect("authorizes only the scopes that the caller's scope includes", () =>
    Effect.gen(function* () {
      const owned = yield* OwnerSites.OwnerSites
      const { websiteConfigId } = yield* Sites.use((sites) => sites.create({ name: "A", origins: [] }))
      for (const granted of Scope.scopes) {
        for (const required of Scope.scopes) {
          const proof = yield* owned.authorize(websiteConfigId, required).pipe(
            Effect.provideService(Caller, {
              scope: granted,
              sites: "all",
              id: "a",
              session: null,
              expiresAt: null,
              isValid: Effect.succeed(true)
            }),
            Effect.option
          )
          assert.strictEqual(Option.isSome(proof), Scope.includes(granted, required), `${granted}, ${required}`)
        }
      }
    }).pipe(Effect.provide(OwnerSites.layer.pipe(Layer.provideMerge([App.memoryStorage, SiteSlots.layer]))))
  )
})

/** Type tests: `tsc` fails if a line with `@ts-expect-error` compiles, or if another line does not. Nothing here runs. */
const types = () => {
  type Group = Layer.Success<typeof authorized>
  const accept = (_: Handlers<Group>) => {}

  const authorized = HttpApiBuilder.group(
    OwnerApi,
    "reports",
    Effect.fnUntraced(function* (handlers) {
      const owned = yield* OwnerSites.OwnerSites
      const reports = yield* OwnerReports
      return handlers.handle("query", ({ payload }) =>
        Effect.flatMap(owned.authorize(payload.site_id, "stats"), (site) =>
          Effect.orDie(reports.query(site, undefined as never))
        ).pipe(Effect.catchTag("StorageUnavailable", Effect.die))
      )
    })
  )
  accept(authorized)

  const withoutProof = HttpApiBuilder.group(
    OwnerApi,
    "reports",
    Effect.fnUntraced(function* (handlers) {
      const reports = yield* OwnerReports
      return handlers.handle("query", ({ payload }) =>
        // @ts-expect-error A website's id is not a proof.
        Effect.orDie(reports.query(payload.site_id, undefined as never))
      )
    })
  )
  accept(withoutProof)

  const withStore = HttpApiBuilder.group(
    OwnerApi,
    "reports",
    Effect.fnUntraced(function* (handlers) {
      const reports = yield* Reports
      return handlers.handle("query", () => Effect.orDie(reports.query(undefined as never, undefined as never)))
    })
  )
  // @ts-expect-error A handler that reads from a store without proofs is not accepted.
  accept(withStore)
}

void types
