import { assert, describe, it } from "@effect/vitest"
import { Option, Result, Schema } from "effect"
import * as Mailer from "../../../src/delivery/mail/Mailer.ts"
import * as MailAddress from "../../../src/platform/text/MailAddress.ts"

describe("platform/text/MailAddress", () => {
  it("plain addresses are valid, and no other texts", () => {
    for (const text of ["ada@example.com", "a.b+c@x-y.co.uk", "o'neil@example.org", "a@xn--bcher-kva.example"]) {
      assert.isTrue(MailAddress.isAddress(text), text)
    }
    for (const text of [
      "",
      "ada",
      "ada@",
      "@example.com",
      "ada@localhost",
      "a b@example.com",
      "a@b@example.com",
      '"a"@example.com',
      "ada@example.com,eve@example.com",
      "ada@example.com\r\nBcc: eve@example.com",
      "Ada <ada@example.com>",
      "ada@-example.com",
      "ada@example..com",
      ".ada@example.com",
      `${"a".repeat(65)}@example.com`,
      `a@${"a.".repeat(130)}com`
    ]) {
      assert.isFalse(MailAddress.isAddress(text), text)
    }
  })

  it.prop("a valid address has no character with a special meaning in a header", [Schema.String], ([text]) => {
    for (const candidate of [text, `${text}@example.com`, `ada@${text}`, `ada@example.com${text}`]) {
      if (MailAddress.isAddress(candidate)) assert.match(candidate, /^[^\s<>()[\],;:"\\\u0080-\uffff]+$/)
    }
  })

  it("a mailbox is an address with or without a name", () => {
    assert.deepStrictEqual(
      MailAddress.parseMailbox(" ada@example.com "),
      Option.some({ name: "", address: "ada@example.com" })
    )
    assert.deepStrictEqual(
      MailAddress.parseMailbox('"Lovelace, Ada" <ada@example.com>'),
      Option.some({ name: "Lovelace, Ada", address: "ada@example.com" })
    )
    assert.deepStrictEqual(
      MailAddress.parseMailbox("Ünï Site<mail@example.com>"),
      Option.some({ name: "Ünï Site", address: "mail@example.com" })
    )
    for (const text of ["", "Ada", "Ada <ada>", "Ada\nBcc: x <ada@example.com>", "<ada@example.com> x"]) {
      assert.isTrue(Option.isNone(MailAddress.parseMailbox(text)), text)
    }
  })
})

describe("delivery/mail/SmtpMailer", () => {
  it("a password needs TLS, except on this machine, in a private network, and with `tls=optional`", () => {
    const parse = (text: string) => Result.getOrThrow(Mailer.parseUrl(text))
    assert.deepStrictEqual(parse("smtps://edge%40x:p%3Aw@mail.example.com"), {
      host: "mail.example.com",
      port: 465,
      isTls: true,
      needsTls: true,
      login: { user: "edge@x", password: "p:w" }
    })
    assert.deepStrictEqual(parse("smtp://mail.example.com"), {
      host: "mail.example.com",
      port: 587,
      isTls: false,
      needsTls: false,
      login: null
    })
    assert.isTrue(parse("smtp://a:b@mail.example.com:25").needsTls)
    for (const host of ["localhost", "127.0.0.1:1025", "[::1]:1025"])
      assert.isFalse(parse(`smtp://a:b@${host}`).needsTls)
    for (const host of ["10.0.0.5", "192.168.1.2:25", "[fd00::1]"])
      assert.isFalse(parse(`smtp://a:b@${host}`).needsTls, host)
    for (const host of ["8.8.8.8", "mail", "10.example.com", "[2606:4700::1]"])
      assert.isTrue(parse(`smtp://a:b@${host}`).needsTls, host)
    assert.isFalse(parse("smtp://a:b@mail:25?tls=optional").needsTls)
    assert.strictEqual(parse("smtp://[::1]:1025").host, "::1")
  })

  it("an invalid URL has an error that does not repeat the URL", () => {
    for (const text of [
      "mail.example.com",
      "http://mail.example.com",
      "smtp://",
      "smtp://secret@mail.example.com",
      "smtp://a:%secret@mail.example.com",
      "smtp://a:secret%0d%0a@mail.example.com",
      "smtp://a:secret@mail.example.com/path",
      "smtp://mail.example.com?secret",
      "smtps://mail.example.com?tls=optional",
      "smtp://mail.example.com?tls=optional&tls=secret"
    ]) {
      const parsed = Mailer.parseUrl(text)
      if (Result.isSuccess(parsed)) assert.fail(text)
      else assert.notInclude(parsed.failure, "secret")
    }
  })
})
