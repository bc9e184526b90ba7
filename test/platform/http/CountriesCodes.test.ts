import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Countries from "../../../src/platform/http/Countries.ts"

describe("platform/http/Countries: codes", () => {
  it.prop(
    "is two capital letters or null",
    [Schema.Union([Schema.String, Schema.Literals(["no", "XX", "T1"])])],
    ([text]) => {
      const code = Countries.parseCountry(text)
      if (code === null) assert.isTrue(!/^[a-z]{2}$/i.test(text) || /^(xx|zz)$/i.test(text))
      else assert.strictEqual(code, text.toUpperCase())
    }
  )

  it("is read from each vendor's form of record, and null for any other value", () => {
    assert.strictEqual(Countries.countryOfRecord({ country: { iso_code: "NO", names: { en: "Norway" } } }), "NO")
    assert.strictEqual(Countries.countryOfRecord({ country_code: "DE" }), "DE")
    assert.strictEqual(Countries.countryOfRecord({ country: "FR" }), "FR")
    assert.strictEqual(Countries.countryOfRecord({ country: "France", country_code: "FR" }), "FR")
    for (const other of [null, undefined, 1, "NO", {}, { country: {} }, { country: { iso_code: 1 } }, { asn: 1 }]) {
      assert.isNull(Countries.countryOfRecord(other))
    }
  })

  it.prop("returns a code or null for any record", [Schema.Json], ([record]) => {
    const code = Countries.countryOfRecord(record)
    assert.isTrue(code === null || /^[A-Z]{2}$/.test(code))
  })

  it("the IPv4 address of a dual-stack socket loses its prefix, and other addresses stay", () => {
    assert.strictEqual(Countries.withoutMapping("::ffff:192.0.2.1"), "192.0.2.1")
    assert.strictEqual(Countries.withoutMapping("2001:db8::1"), "2001:db8::1")
    assert.strictEqual(Countries.withoutMapping("192.0.2.1"), "192.0.2.1")
  })
})
