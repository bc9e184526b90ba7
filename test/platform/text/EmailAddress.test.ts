import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isEmailAddress } from "../../../src/platform/text/MailAddress.ts"

const addresses = [
  "ada@example.org",
  " ada@example.org ",
  "a.b+c@sub.example.co.uk",
  "o'neil@example.com",
  "jörg@müller.de",
  "user@xn--mller-kva.de",
  "用户@例子.中国",
  `${"x".repeat(64)}@example.org`
]

const others = [
  "",
  "ada",
  "ada@",
  "@example.org",
  "ada@localhost",
  "ada@example.",
  "ada@.org",
  "ada@-a.org",
  "ada@a-.org",
  "ada@1.2.3.4",
  "a@b@example.org",
  "ada lovelace@example.org",
  "ada@exa mple.org",
  "ada@example.org, eve@example.org",
  "Ada <ada@example.org>",
  "ada@example.org\nBcc: eve@example.org",
  `${"x".repeat(65)}@example.org`,
  `ada@${"x".repeat(64)}.org`,
  `ada@${"x.".repeat(200)}org`
]

describe("platform/text/MailAddress", () => {
  it("accepts addresses in any script", () => {
    for (const address of addresses) assert.isTrue(isEmailAddress(address), address)
  })

  it("refuses everything else", () => {
    for (const other of others) assert.isFalse(isEmailAddress(other), other)
  })

  it.prop("an accepted address contains no white space and no second address", [Schema.String], ([text]) => {
    for (const candidate of [text, `${text}@example.org`, `ada@${text}.org`, `ada@example.${text}`]) {
      if (isEmailAddress(candidate)) assert.notMatch(candidate.trim(), /[\s,;<>"()]|@.*@/)
    }
  })
})
