import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Calendar from "../../../src/platform/text/Calendar.ts"

describe("platform/text/Calendar", () => {
  it.prop(
    "every zone that the runtime lists is accepted in its own and in lower case, and returned as it was written",
    [Schema.Literals(["UTC", ...Intl.supportedValuesOf("timeZone")]), Schema.Boolean],
    ([name, isLower]) => {
      const text = isLower ? name.toLowerCase() : name
      assert.deepStrictEqual(Calendar.parseTimeZone(text), Option.some(text))
    }
  )

  it("names that only some databases or browsers know are accepted unchanged", () => {
    for (const name of ["Asia/Kolkata", "Asia/Calcutta", "Europe/Kyiv", "Etc/GMT+5"]) {
      assert.deepStrictEqual(Calendar.parseTimeZone(name), Option.some(name))
    }
  })

  it.prop("Intl accepts every accepted name", [Schema.String], ([text]) => {
    if (Option.isNone(Calendar.parseTimeZone(text))) return
    assert.isString(new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone)
  })

  it("offsets, POSIX zones and other texts are refused", () => {
    for (const text of [
      "",
      " ",
      "+01:00",
      "-5",
      "GMT+1",
      "UTC+3",
      "CET-1CEST",
      "Europe/",
      "Europe/Nowhere",
      "Mars",
      "U\0TC"
    ]) {
      assert.deepStrictEqual(Calendar.parseTimeZone(text), Option.none(), text)
    }
  })
})
