import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Choice } from "../../src/console/parts/Choices.ts"
import * as TimeZones from "../../src/console/setup/TimeZones.ts"

const termsOf = TimeZones.terms()
const choices = TimeZones.all().map((zone): Choice<string> => [zone, zone.replaceAll("_", " "), "", termsOf(zone)])

/** Whole lines of what finds a zone, or some of the letters in one. */
const Part = Schema.Struct({
  zone: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: choices.length - 1 })),
  line: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 })),
  start: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
  length: Schema.Literals([1, 2, 3, 4, 100])
})

const plain = (text: string) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()

const linesOf = ([, label, , terms = ""]: Choice<string>) =>
  [label, ...terms.split("\n")].map((line) => plain(line.replaceAll("_", " ")))

const found = (typed: string, own: string) => TimeZones.found(choices, typed, own).map(([zone]) => zone)

describe("console/setup/TimeZones", () => {
  it.prop(
    "each that is found contains what is typed, and the best matches come first",
    [Part],
    ([{ length, line, start, zone }]) => {
      const lines = linesOf(choices[zone] ?? assert.fail())
      const typed = (lines[line % lines.length] ?? "").slice(start).slice(0, length).split(/[\s/]/)[0] ?? ""
      if (typed === "") return
      const matches = TimeZones.found(choices, typed, "Europe/Berlin").map((choice) => {
        const names = linesOf(choice).flatMap((name) => [name, ...name.split("/")])
        assert.isTrue(names.some((name) => name.includes(typed)))
        if (names.includes(typed)) return 0
        return names.some((name) => name.split(/[\s/]/).some((word) => word.startsWith(typed))) ? 1 : 2
      })
      assert.isNotEmpty(matches)
      assert.deepStrictEqual(matches, matches.toSorted())
      if (matches.includes(2)) assert.notInclude(matches, 1)
      if (matches.includes(2)) assert.notInclude(matches, 0)
    }
  )

  it("the first that is found is what a person means, or nearest to the person", () => {
    for (const [typed, own, first] of [
      ["UK", "Europe/Berlin", "Europe/London"],
      ["gb", "Europe/Berlin", "Europe/London"],
      ["India", "Europe/Berlin", "Asia/Kolkata"],
      ["Calcutta", "Europe/Berlin", "Asia/Kolkata"],
      ["kiev", "America/New_York", "Europe/Kyiv"],
      ["CET", "Europe/Zurich", "Europe/Zurich"],
      ["CET", "Europe/London", "Europe/Amsterdam"],
      ["CET", "America/New_York", "Europe/Amsterdam"],
      ["CET", "Africa/Cairo", "Africa/Algiers"],
      ["USA", "America/Chicago", "America/Chicago"],
      ["new york", "Europe/Berlin", "America/New_York"]
    ] as const) {
      assert.strictEqual(found(typed, own)[0], first, typed)
    }
    assert.includeMembers(found("USA", "Europe/Berlin"), ["America/New_York", "Pacific/Honolulu"])
    for (const zone of ["Africa/Lusaka", "Asia/Jerusalem"]) assert.notInclude(found("USA", "Europe/Berlin"), zone)
    assert.deepStrictEqual(found(" ", "Europe/Berlin"), TimeZones.all())
  })

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
