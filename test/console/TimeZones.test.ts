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

  it("has every time zone of the platform", () => {
    const zones = TimeZones.all()
    for (const zone of Intl.supportedValuesOf("timeZone")) assert.include(zones, TimeZones.presentName(zone))
  })
})
