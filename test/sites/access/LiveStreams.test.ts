/**
 * The limits of the live streams of a caller, a website and the process.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Result, Schema, Scope } from "effect"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Access from "../../../src/sites/access/Access.ts"
import { Caller } from "../../../src/sites/access/AuthenticationApi.ts"
import * as SiteSlots from "../../../src/sites/access/SiteSlots.ts"
import { id } from "../../support/Ids.ts"

const CallerNumber = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 }))

/** Opens a stream until the test ends; the reason if it is refused. */
const opening = Effect.gen(function* () {
  const { beginLive } = SiteSlots.makeOperations()
  const scope = yield* Effect.scope
  return (caller: number, website: number) =>
    beginLive(id(WebsiteConfigId, String(website))).pipe(
      Effect.provideService(Caller, {
        id: String(caller),
        access: [{ grants: Access.roleGrants.viewer, sites: "all" }],
        kind: "key",
        session: null,
        expiresAt: null,
        isValid: Effect.succeed(true)
      }),
      Scope.provide(scope),
      Effect.result,
      Effect.map(Result.match({ onSuccess: () => null, onFailure: ({ detail }) => detail }))
    )
})

describe("sites/access/SiteSlots: live streams", () => {
  it.effect.prop(
    "a website without a stream gets a stream, however many callers of another website open streams",
    [Schema.Array(CallerNumber).check(Schema.isMaxLength(1_000))],
    ([callers]) =>
      Effect.gen(function* () {
        const open = yield* opening
        const ofCallers = new Map<number, number>()
        let all = 0
        for (const caller of callers) {
          const ofCaller = ofCallers.get(caller) ?? 0
          const refusal = yield* open(caller, 1)
          if (refusal !== null) {
            assert.include(refusal, ofCaller === SiteSlots.maxLiveOfCaller ? "This key or session" : "This website")
            continue
          }
          ofCallers.set(caller, ofCaller + 1)
          all++
        }
        assert.isAtMost(all, SiteSlots.maxOfWebsite(0))
        assert.isNull(yield* open(-1, 2))
      }).pipe(Effect.scoped)
  )

  it.effect("names the reason: the caller, the website or the process", () =>
    Effect.gen(function* () {
      const open = yield* opening
      for (let stream = 0; stream < 4; stream++) assert.isNull(yield* open(1, 1))
      assert.match((yield* open(1, 1)) ?? "", /^This key or session already has 4 live streams/)
      let caller = 2
      for (let stream = 4; stream < 50; stream++) assert.isNull(yield* open(caller++, 1))
      assert.match((yield* open(caller++, 1)) ?? "", /^This website already has 50 live streams/)
      // Each further website gets a quarter of what the others leave, and one at least.
      let all = 50
      for (let website = 2; all < 200; website++) {
        while ((yield* open(caller++, website)) === null) all++
      }
      assert.match((yield* open(caller, 1_000)) ?? "", /^This server/)
    }).pipe(Effect.scoped)
  )
})
