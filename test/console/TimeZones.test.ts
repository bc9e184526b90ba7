import { assert, describe, it } from "@effect/vitest"
import * as TimeZones from "../../src/console/setup/TimeZones.ts"

describe("console/setup/TimeZones", () => {
  it("has each time zone once, by a present name that the service understands", () => {
    const zones = TimeZones.all()
    assert.includeMembers([...zones], ["UTC", "Asia/Kolkata", "Europe/Kyiv", "Europe/Berlin"])
    for (const zone of zones) assert.strictEqual(TimeZones.presentName(zone), zone)
    assert.notInclude(zones, "Asia/Calcutta")
    const known = new Set(Intl.supportedValuesOf("timeZone"))
    // One that does not exist throws.
    for (const timeZone of zones.filter((zone) => !known.has(zone))) new Intl.DateTimeFormat("en", { timeZone })
  })

  it("are found by their countries, names and abbreviations", () => {
    const termsOf = TimeZones.terms()
    for (const [zone, ...terms] of [
      ["Europe/Zurich", "Switzerland", "Central European", "CET", "CEST"],
      ["America/New_York", "United States", "Eastern", "EST", "EDT", "ET"],
      ["Europe/London", "United Kingdom", "GMT", "BST"],
      ["Asia/Kolkata", "India", "IST"],
      ["America/Sao_Paulo", "Brazil"]
    ] as const) {
      for (const term of terms) assert.include(termsOf(zone), term)
    }
  })

  it("has every time zone of the platform", () => {
    const zones = TimeZones.all()
    for (const zone of Intl.supportedValuesOf("timeZone")) assert.include(zones, TimeZones.presentName(zone))
  })
})
