import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SiteSlots from "../../../src/sites/access/SiteSlots.ts"

const Caller = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 400 }))

describe("sites/access/SiteSlots", () => {
  it.prop(
    "a website without a stream gets a stream, however many callers of another website open streams",
    [Schema.Array(Caller).check(Schema.isMaxLength(1_000))],
    ([callers]) => {
      const open = new Map<number, number>()
      let all = 0
      for (const caller of callers) {
        const ofCaller = open.get(caller) ?? 0
        const refusal = SiteSlots.liveRefusal({ all, ofCaller, ofWebsite: all })
        if (refusal !== null) {
          assert.strictEqual(refusal.reason, ofCaller === SiteSlots.maxLiveOfCaller ? "caller" : "website")
          continue
        }
        open.set(caller, ofCaller + 1)
        all++
      }
      assert.isAtMost(all, SiteSlots.maxOfWebsite(0))
      assert.isNull(SiteSlots.liveRefusal({ all, ofCaller: 0, ofWebsite: 0 }))
    }
  )

  it("names the reason: the caller, the website or the process", () => {
    assert.deepStrictEqual(SiteSlots.liveRefusal({ all: 4, ofCaller: 4, ofWebsite: 4 }), {
      reason: "caller",
      max: 4
    })
    assert.deepStrictEqual(SiteSlots.liveRefusal({ all: 50, ofCaller: 0, ofWebsite: 50 }), {
      reason: "website",
      max: 50
    })
    assert.deepStrictEqual(SiteSlots.liveRefusal({ all: 120, ofCaller: 0, ofWebsite: 26 }), {
      reason: "website",
      max: 26
    })
    assert.deepStrictEqual(SiteSlots.liveRefusal({ all: 200, ofCaller: 0, ofWebsite: 0 }), { reason: "process" })
  })
})
