/**
 * The proofs that a caller may use a website, and that no handler of the owner API can do without one.
 */

import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerReports } from "../../src/analytics/reports/OwnerReports.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import { OwnerApi } from "../../src/api/OwnerApi.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"
import type { Handlers } from "../../src/server/OwnerRoutes.ts"
import { Caller } from "../../src/sites/access/AuthenticationApi.ts"
import * as Scope from "../../src/sites/access/Scope.ts"
import * as SiteSlots from "../../src/sites/access/SiteSlots.ts"
import * as OwnerSites from "../../src/sites/OwnerSites.ts"
import { SiteDirectory as Sites } from "../../src/sites/SiteDirectory.ts"
import * as MemoryStorage from "../support/MemoryStorage.ts"

describe("sites/OwnerSites", () => {
  it.effect("authorizes only the scopes that the caller's scope includes", () =>
    Effect.gen(function* () {
      const owned = yield* OwnerSites.OwnerSites
      const { websiteConfigId } = yield* Sites.use((sites) => sites.create({ name: "A", origins: [] }))
      for (const granted of Scope.scopes) {
        for (const required of Scope.scopes) {
          const proof = yield* owned.authorize(websiteConfigId, required).pipe(
            Effect.provideService(Caller, {
              grants: Scope.grants[granted],
              sites: "all",
              id: "a",
              kind: "key",
              session: null,
              expiresAt: null,
              isValid: Effect.succeed(true)
            }),
            Effect.option
          )
          assert.strictEqual(Option.isSome(proof), Scope.includes(granted, required), `${granted}, ${required}`)
        }
      }
    }).pipe(Effect.provide(OwnerSites.layer.pipe(Layer.provideMerge([MemoryStorage.layer(), SiteSlots.layer]))))
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
        Effect.flatMap(owned.authorize(WebsiteConfigId.make(payload.site_id), "stats"), (site) =>
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
