/** When a credential expires whose last day was chosen. */
import { assert, describe, it } from "@effect/vitest"
import * as LocalTime from "../../src/analytics/reports/LocalTime.ts"
import * as Expiry from "../../src/console/parts/Expiry.ts"
import { dateOf } from "../../src/platform/text/Calendar.ts"
import { Time, TimeZone } from "../support/Dates.ts"

/** Runs `use` as in a browser in this time zone. */
const inZone = <A>(timeZone: string, use: () => A): A => {
  const before = process.env["TZ"]
  process.env["TZ"] = timeZone
  try {
    return use()
  } finally {
    if (before === undefined) delete process.env["TZ"]
    else process.env["TZ"] = before
  }
}

describe("console/parts/Expiry", () => {
  it.prop(
    "a last day ends a second before the next day begins in the browser's zone",
    [Time, TimeZone],
    ([time, zone]) => {
      const day = dateOf(LocalTime.zone(zone).toLocal(time))
      const next = LocalTime.zone(zone).startOf(LocalTime.addDays(day, 1))
      assert.strictEqual(
        inZone(zone, () => Expiry.endOf(day)),
        new Date(next - 1000).toISOString()
      )
    }
  )

  it("the hour that a clock change repeats before midnight is part of the last day", () => {
    assert.strictEqual(
      inZone("Africa/Cairo", () => Expiry.endOf("2026-10-29")),
      "2026-10-29T21:59:59.000Z"
    )
  })

  it("a text that is not a day is returned as it is", () => {
    for (const text of ["", "tomorrow"]) assert.strictEqual(Expiry.endOf(text), text)
  })
})
