import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as PageView from "../../src/analytics/PageView.ts"

const Address = Schema.Literals([
  "zoe.person@victim.example",
  "Zoe+news@mail.victim.example",
  "zoe%2Bnews%40victim.example",
  "o'hara@münchen.example",
  "o'hara@m%C3%BCnchen.example",
  "zoe%40victim.%E4%B8%AD%E5%9B%BD",
  "zoé@xn--mnchen-3ya.example",
  "a_b-c@x-y.co"
])

const Text = Schema.Array(
  Schema.Union([
    Schema.Literals([
      "@",
      "%40",
      ".",
      "a",
      "/",
      " ",
      "-",
      "%",
      "é",
      "https://",
      "1.2.3",
      "pkg@1.2.3",
      "\ud800",
      "x.io"
    ]),
    Schema.String
  ])
).check(Schema.isMaxLength(12))

describe("analytics/PageView: addresses in paths", () => {
  it.prop(
    "replaces an address between delimiters, and leaves the text around it",
    [
      Schema.Literals(["", "/u/", "/a?mail=", "Zoe <", "mailto:", "to ", "a,", "x@y/"]),
      Address,
      Schema.Literals(["", "/", "/edit", ">", ",b", "&x=1", " and", "?", "/x@y"])
    ],
    ([before, address, after]) => {
      assert.strictEqual(PageView.maskEmails(before + address + after), `${before}(email)${after}`)
      assert.strictEqual(
        PageView.maskEmails(`${before}${address} ${address}${after}`),
        `${before}(email) (email)${after}`
      )
    }
  )

  it("leaves text without an address unchanged", () => {
    for (const text of [
      "/@zoe",
      "/npm/pkg@1.2.3",
      "zoe@localhost",
      "@victim.example",
      "a @ b.example",
      "%40x",
      "/40%"
    ]) {
      assert.strictEqual(PageView.maskEmails(text), text)
    }
  })

  it.prop("masking a masked text changes nothing, for any text", [Text], ([parts]) => {
    const masked = PageView.maskEmails(parts.join(""))
    assert.strictEqual(PageView.maskEmails(masked), masked)
  })

  it("takes linear time", () => {
    for (const part of ["a", "a@", "a@a.", "a.", "@a.a.a.1", "%40", "a%40a."]) {
      const text = `${part.repeat(200_000)}@`
      const start = process.cpuUsage().user
      PageView.maskEmails(text)
      assert.isBelow(process.cpuUsage().user - start, 5_000_000, part)
    }
  })
})
