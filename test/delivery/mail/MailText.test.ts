import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MailText from "../../../src/delivery/mail/MailText.ts"

describe("delivery/mail/MailText.websiteName", () => {
  it("leaves no part that a mail program makes a link of", () => {
    for (const [name, shown] of [
      ["Win at evil.example/x", "Win at evil. example/x"],
      ["https://evil.example/x?a=b", "https: //evil. example/x?a=b"],
      ["mail ann@evil.example", "mail ann@ evil. example"],
      ["www.evil.example", "www. evil. example"],
      ["evil。example", "evil。 example"],
      ["evil.\u200bexample", "evil. example"],
      ["Dr. Ann's shop: Rome & Co.", "Dr. Ann's shop: Rome & Co."],
      ["Shop", "Shop"]
    ] as const) {
      assert.strictEqual(MailText.websiteName(name, 200), shown)
    }
  })

  it.prop("no dot, colon or at sign is within a word, and the length is bounded", [Schema.String], ([text]) => {
    for (const name of [text, `${text}.${text}`, `a.${text}`, `${text}://b.c`]) {
      const shown = MailText.websiteName(name, 60)
      assert.isAtMost(shown.length, 60)
      assert.notMatch(shown, /[.:@](?=[^\s.:@…])/u)
    }
  })
})
