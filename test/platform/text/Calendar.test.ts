import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Calendar from "../../../src/platform/text/Calendar.ts"

/** Every time of the years 1 to 9998. */
const Time = Schema.Int.check(
  Schema.isBetween({ minimum: Date.parse("0001-01-01T00:00:00Z"), maximum: Date.parse("9998-12-31T23:59:59Z") })
)

describe("platform/text/Calendar", () => {
  it.prop("a time is on the day that began at the last midnight, UTC", [Time], ([time]) => {
    const midnight = Calendar.dayOf(time) * Calendar.dayMillis
    assert.isTrue(midnight <= time && time < midnight + Calendar.dayMillis)
    assert.strictEqual(Date.parse(`${Calendar.dateOf(time)}T00:00:00Z`), midnight)
  })

  it.prop("an ISO timestamp is the time to the millisecond", [Time], ([time]) => {
    assert.strictEqual(Date.parse(Calendar.iso(time)), time)
    assert.match(Calendar.iso(time), /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/)
  })
})
