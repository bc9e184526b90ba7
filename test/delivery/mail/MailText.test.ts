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

describe("delivery/mail/MailText.words", () => {
  it.prop(
    "has the first words on one line, and cuts only a word that is longer than the line",
    [Schema.String],
    ([text]) => {
      for (const whole of [text, `a ${text}`, "visitors, submissions and conversations. ".repeat(5), "x".repeat(200)]) {
        const line = MailText.block(whole, 1_000).replace(/\s+/g, " ")
        const shown = MailText.words(whole, 60)
        assert.isAtMost(shown.length, 60)
        if (line.length <= 60) assert.strictEqual(shown, line)
        else {
          const begun = shown.slice(0, -1)
          assert.isTrue(shown.endsWith("…") && line.startsWith(begun))
          assert.isTrue(line[begun.length] === " " || !line.slice(0, 60).includes(" ", 1))
        }
      }
    }
  )
})
