/**
 * The limit of tests that one key or session runs at once.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Scope } from "effect"
import * as Access from "../../../src/sites/access/Access.ts"
import { Caller } from "../../../src/sites/access/AuthenticationApi.ts"
import * as SiteSlots from "../../../src/sites/access/SiteSlots.ts"

describe("sites/access/SiteSlots", () => {
  it.effect("a caller runs two tests at once, and other callers are not affected", () =>
    Effect.gen(function* () {
      const operations = SiteSlots.makeOperations()
      const begin = (id: string) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const isValid = Effect.succeed(true)
          const caller = {
            id,
            access: [{ grants: Access.roleGrants.viewer, sites: "all" }],
            kind: "key",
            session: null,
            expiresAt: null,
            isValid
          } as const
          yield* operations.beginTest.pipe(Effect.provideService(Caller, caller), Scope.provide(scope))
          return scope
        })
      const first = yield* begin("a")
      yield* begin("a")
      const refusal = yield* Effect.flip(begin("a"))
      assert.strictEqual(refusal._tag, "TooManyRequests")
      assert.isAbove(refusal.headers["retry-after"] ?? 0, 0)
      yield* begin("b")
      yield* Scope.close(first, Exit.void)
      yield* begin("a")
      assert.strictEqual((yield* Effect.flip(begin("a")))._tag, "TooManyRequests")
    })
  )
})
