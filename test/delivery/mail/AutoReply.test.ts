import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as AutoReply from "../../../src/delivery/mail/AutoReply.ts"
import * as Compose from "../../../src/delivery/mail/Compose.ts"
import * as Reply from "../../../src/delivery/mail/Reply.ts"
import { ReplyId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { dayMillis, hourMillis } from "../../../src/platform/text/Calendar.ts"

const now = 1_790_000_000_000

const nameOf = (name: string) => AutoReply.nameIn(JSON.stringify({ name, message: "Buy at evil.example" }))

const composed = (subject: string, text: string) =>
  Compose.compose(
    Reply.content({
      reply_id: ReplyId.make("0f8fad5b-d9cb-469f-a165-70867728950e"),
      author: null,
      reply_to: "ada@shop.example",
      to: "ann@example.org",
      subject,
      text,
      attempt: 1,
      createdAt: now,
      site: {
        websiteConfigId: WebsiteConfigId.make("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        name: "Harbour Tours",
        timeZone: "Europe/Oslo"
      },
      submission: { receivedAt: now, preview: "Buy at evil.example" }
    }),
    {
      mailId: "0f8fad5b-d9cb-469f-a165-70867728950e",
      from: { name: "Edge", address: "mail@edge.example" },
      to: "ann@example.org",
      createdAt: now,
      unsubscribeUrl: null
    }
  )

describe("delivery/mail/AutoReply", () => {
  it("repeats a name of letters, spaces, apostrophes and hyphens, of at most 60 characters", () => {
    for (const name of ["Ann", "Anne-Marie O’Neill", "D'Arcy Åsa", "李 小龙", "a".repeat(AutoReply.maxName)]) {
      assert.strictEqual(nameOf(name), name)
    }
    for (const name of [
      "evil.example",
      "Ann 24",
      "a@b",
      "Ann, hello",
      "<b>",
      "x:y",
      "-Ann",
      "a".repeat(61),
      "Ａ．ｂ"
    ]) {
      assert.isNull(nameOf(name))
    }
    assert.strictEqual(AutoReply.nameIn('{"first_name":"Ann","last_name":"Lee"}'), "Ann Lee")
    assert.isNull(AutoReply.nameIn('{"message":"Ann"}'))
  })

  it.prop(
    "no text of a visitor but such a name is in the mail, and none makes a header, a link or another line",
    {
      name: Schema.String,
      evil: Schema.Literals(["\r\nBcc: eve@evil.example", "http://evil.example", "evil.example", "$&"])
    },
    ({ evil, name }) => {
      for (const typed of [name, evil, `${name}${evil}`, `Ann ${evil}`]) {
        const found = nameOf(typed)
        if (found !== null) assert.match(found, /^[\p{L}\p{M} '’-]{1,60}$/u)
        const { html, subject, text } = composed(
          AutoReply.fill("Thank you {name}", found),
          AutoReply.fill("Hello {name},\n\nwe answer soon.", found)
        )
        assert.include(text, `Hello${found === null ? "" : ` ${found}`},\n\nwe answer soon.`)
        for (const part of [subject, text, html]) assert.notInclude(part, "evil.example")
        assert.notMatch(subject, /[\r\n]/)
      }
    }
  )

  it("the mail says that it is automatic, and answers go to the owner", () => {
    const { autoSubmitted, from, replyTo, subject, text } = composed("We got it", "Thank you.")
    assert.deepStrictEqual(
      [autoSubmitted, from.name, replyTo, subject],
      ["auto-replied", "Harbour Tours", "ada@shop.example", "We got it"]
    )
    assert.include(text, "No person wrote it.")
  })

  it("a placeholder without a name is left out with the space before it, wherever it is", () => {
    assert.strictEqual(AutoReply.fill("Hello {name}, {name}!", null), "Hello,!")
    assert.strictEqual(AutoReply.fill("Hello {name}, {name}!", "Ann"), "Hello Ann, Ann!")
    assert.strictEqual(AutoReply.fill("{name}: {email}", "Ann"), "Ann: {email}")
  })

  it("programs and invalid addresses get no reply", () => {
    for (const email of ["ann@example.org", " Ann.Lee@example.org ", "bob+shop@example.org", "reply@example.org"]) {
      assert.strictEqual(AutoReply.recipientOf(email), email.trim())
    }
    for (const local of [
      ...["mailer-daemon", "MAILER-DAEMON", "postmaster", "noreply", "no-reply", "no_reply", "no.reply", "donotreply"],
      ...["do-not-reply", "noreply+1", "noreply-shop", "shop-noreply", "bounce", "bounces-12", "owner-list"],
      ...["list-request", "list-bounces"]
    ]) {
      assert.isNull(AutoReply.recipientOf(`${local}@example.org`), local)
    }
    for (const email of ["", "ann", "ann@example.org, eve@evil.example", "ann@example.org\r\nBcc: e@evil.example"]) {
      assert.isNull(AutoReply.recipientOf(email))
    }
  })

  it("an address has one digest in any letter case and with any addition, and another with another key", () => {
    const key = new Uint8Array(32)
    const digest = AutoReply.digestOf(key, "ann@example.org")
    for (const same of ["ANN@Example.org", " ann@example.org", "ann+1@example.org", "ann+1+2@example.org"]) {
      assert.deepStrictEqual(AutoReply.digestOf(key, same), digest)
    }
    assert.notDeepEqual(AutoReply.digestOf(key, "anne@example.org"), digest)
    assert.notDeepEqual(AutoReply.digestOf(new Uint8Array(32).fill(1), "ann@example.org"), digest)
  })

  it.prop(
    "an address gets at most three in 24 hours, a website sends at most 100 in an hour, and none is refused below that",
    {
      rounds: Schema.Array(
        Schema.Struct({
          minutes: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 })),
          wanted: Schema.Array(
            Schema.Struct({
              website: Schema.Literals(["a", "b"]),
              recipient: Schema.Literals(["ann", "ben", "new"]),
              /** How long the event waited. */
              minutesAgo: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 90 })),
              repeated: Schema.Literals([1, 2, 60])
            })
          ).check(Schema.isMaxLength(5))
        })
      ).check(Schema.isMaxLength(8))
    },
    ({ rounds }) => {
      let at = now
      let addresses = 0
      const made: Array<AutoReply.Wanted & { readonly at: number }> = []
      const timesBy = (keyOf: (one: (typeof made)[number]) => string, timeOf: (one: (typeof made)[number]) => number) =>
        new Map([...Map.groupBy(made, keyOf)].map(([key, all]) => [key, all.map(timeOf)]))
      for (const { minutes, wanted } of rounds) {
        at += minutes * 60_000
        const all = wanted.flatMap(({ minutesAgo, recipient, repeated, website }) =>
          Array.from({ length: repeated }, () => ({
            websiteConfigId: website,
            recipient: recipient === "new" ? `new ${++addresses}` : recipient,
            createdAt: at - minutesAgo * 60_000
          }))
        )
        const toAddresses = timesBy(
          (one) => one.recipient,
          (one) => one.at
        )
        const ofWebsites = timesBy(
          (one) => one.websiteConfigId,
          (one) => one.createdAt
        )
        const decisions = AutoReply.decide(all, { toAddresses, ofWebsites }, at)
        all.forEach((one, index) => {
          const toAddress = made.filter((other) => other.recipient === one.recipient && at - other.at < dayMillis)
          const near = made.filter(
            (other) =>
              other.websiteConfigId === one.websiteConfigId && Math.abs(other.createdAt - one.createdAt) < hourMillis
          )
          const expected = toAddress.length >= 3 ? "address" : near.length >= 100 ? "website" : null
          assert.strictEqual(decisions[index], expected)
          if (expected === null) made.push({ ...one, at })
        })
      }
      for (const { createdAt, websiteConfigId } of made) {
        const inHour = made.filter(
          (other) =>
            other.websiteConfigId === websiteConfigId &&
            other.createdAt >= createdAt &&
            other.createdAt < createdAt + hourMillis
        )
        assert.isAtMost(inHour.length, AutoReply.maxPerHour)
      }
    }
  )

  it("a subject is one line, and both texts have their lengths", () => {
    assert.deepStrictEqual(AutoReply.parseSubject(" Thank you "), Option.some("Thank you"))
    for (const subject of ["", " ", "a\r\nBcc: e@evil.example", "a\nb", "a\u2028b", "a\0", "\ud800", "a".repeat(151)]) {
      assert.isTrue(Option.isNone(AutoReply.parseSubject(subject)))
    }
    assert.deepStrictEqual(AutoReply.parseText("a\nb\n"), Option.some("a\nb"))
    for (const text of ["", " \n", "a\0", "a".repeat(AutoReply.limits.text + 1)]) {
      assert.isTrue(Option.isNone(AutoReply.parseText(text)))
    }
  })
})
