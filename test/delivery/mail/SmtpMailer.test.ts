/** Mails over SMTP, with a real receiver. */
import { readFileSync } from "node:fs"
import { createServer, type Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import PostalMime from "postal-mime"
import type { SMTPServerOptions } from "smtp-server"
import type { Outcome } from "../../../src/delivery/mail/Mail.ts"
import * as Mailer from "../../../src/delivery/mail/Mailer.ts"
import type { Message } from "../../../src/delivery/mail/Message.ts"
import { mailReceiver, refusal } from "../../support/MailReceiver.ts"
import { until } from "../../support/Wait.ts"

const pem = (name: string): string =>
  readFileSync(new URL(`../../cli/fixtures/certificates/${name}`, import.meta.url), "utf8")

const certificate = { cert: pem("here.crt"), key: pem("leaf.key") }
const trusted = { ca: pem("root.crt") }

const message: Message = {
  mailId: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63",
  from: { name: "Harbour, Tours", address: "mail@edge.example" },
  to: "owner@example.com",
  replyTo: "ada@example.org",
  subject: "New submission from Ünï – Harbour",
  text: "Hello\n.\nBye",
  html: "<p>Hello</p>",
  createdAt: Date.UTC(2026, 10, 25, 9),
  unsubscribeUrl: "https://edge.example/unsubscribe/1",
  autoSubmitted: "auto-generated"
}

const mailerOf = (url: string, options: Partial<Mailer.Options> = {}) =>
  Mailer.makeSmtp({ server: Result.getOrThrow(Mailer.parseUrl(url)), ...options })

const send = (...options: Parameters<typeof mailerOf>) => mailerOf(...options).send(message)

const check = (...options: Parameters<typeof mailerOf>) => mailerOf(...options).check

/** The outcome of a mail to a receiver with these options. */
const outcomeWith = (options: SMTPServerOptions) =>
  Effect.scoped(Effect.flatMap(mailReceiver(options), ({ port }) => send(`smtp://127.0.0.1:${port}`)))

const errorOf = (outcome: Outcome): string => (outcome._tag === "Accepted" ? "" : outcome.error)

/** A server that does with each connection only what `serve` does. */
const rawServer = (serve: (socket: Socket) => void) =>
  Effect.gen(function* () {
    const open = new Set<Socket>()
    const server = createServer((socket) => {
      open.add(socket.on("error", () => {}).on("close", () => open.delete(socket)))
      socket.resume()
      serve(socket)
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () =>
        Effect.callback<void>((resume) => {
          for (const socket of open) socket.destroy()
          server.close(() => resume(Effect.void))
        })
    )
    const address = server.address()
    return { port: typeof address === "object" && address !== null ? address.port : 0, open }
  })

describe("delivery/mail/SmtpMailer", () => {
  it.live("a mail arrives with its headers, its envelope and both parts", () =>
    Effect.gen(function* () {
      const { port, received } = yield* mailReceiver()
      assert.deepStrictEqual(yield* send(`smtp://127.0.0.1:${port}`), { _tag: "Accepted" })
      const [mail] = received
      assert.deepStrictEqual([mail?.from, mail?.recipients], ["mail@edge.example", ["owner@example.com"]])
      const parsed = yield* Effect.promise(() => PostalMime.parse(mail?.source ?? ""))
      assert.strictEqual(parsed.messageId, `<${message.mailId}@edge.example>`)
      assert.deepStrictEqual(parsed.from, { name: "Harbour, Tours", address: "mail@edge.example" })
      assert.deepStrictEqual(parsed.to, [{ name: "", address: "owner@example.com" }])
      assert.deepStrictEqual(parsed.replyTo, [{ name: "", address: "ada@example.org" }])
      assert.strictEqual(parsed.subject, message.subject)
      assert.strictEqual(parsed.date, "2026-11-25T09:00:00.000Z")
      assert.strictEqual(parsed.text?.trim(), message.text)
      assert.strictEqual(parsed.html?.trim(), message.html)
      const header = (name: string) => parsed.headers.find(({ key }) => key === name)?.value
      assert.strictEqual(header("list-unsubscribe"), `<${message.unsubscribeUrl}>`)
      assert.strictEqual(header("list-unsubscribe-post"), "List-Unsubscribe=One-Click")
    }).pipe(Effect.scoped)
  )

  it.live(
    "STARTTLS is used if it is offered, smtps:// is encrypted from the beginning, and a certificate must be valid",
    () =>
      Effect.gen(function* () {
        const startTls = yield* mailReceiver({ ...certificate, disabledCommands: [] })
        const implicit = yield* mailReceiver({ ...certificate, secure: true })
        assert.strictEqual((yield* send(`smtp://localhost:${startTls.port}`, { tls: trusted }))._tag, "Accepted")
        assert.strictEqual((yield* send(`smtps://localhost:${implicit.port}`, { tls: trusted }))._tag, "Accepted")
        assert.deepStrictEqual([startTls.received[0]?.isEncrypted, implicit.received[0]?.isEncrypted], [true, true])
        for (const url of [`smtp://localhost:${startTls.port}`, `smtps://localhost:${implicit.port}`]) {
          const outcome = yield* send(url)
          assert.strictEqual(outcome._tag, "Failed")
          assert.match(errorOf(outcome), /certificate/)
        }
        assert.deepStrictEqual([startTls.received.length, implicit.received.length], [1, 1])
      }).pipe(Effect.scoped)
  )

  it.live("a password is sent only over TLS, and a wrong password is a failure, not a refusal of the mail", () =>
    Effect.gen(function* () {
      const logins: Array<string> = []
      const onAuth: SMTPServerOptions["onAuth"] = ({ password, username }, _, callback) => {
        logins.push(`${username}:${password}`)
        return password === "p@ss" ? callback(null, { user: username }) : callback(refusal(535, "5.7.8 wrong"))
      }
      const plain = yield* mailReceiver({ onAuth, allowInsecureAuth: true })
      const encrypted = yield* mailReceiver({ ...certificate, onAuth, disabledCommands: [] })
      const server = {
        host: "localhost",
        isTls: false,
        needsTls: true,
        login: { user: "edge", password: "p@ss" }
      }
      const stripped = yield* send("smtp://unused.example", { server: { ...server, port: plain.port } })
      assert.strictEqual(stripped._tag, "Failed")
      assert.match(errorOf(stripped), /offers no TLS, so the password is not sent.*tls=optional/)
      const checked = yield* check("smtp://unused.example", { server: { ...server, port: plain.port } })
      assert.deepStrictEqual(checked, { _tag: "WithoutTls" })
      assert.deepStrictEqual(logins, [])
      const options = { server: { ...server, port: encrypted.port }, tls: trusted }
      assert.strictEqual((yield* send("smtp://unused.example", options))._tag, "Accepted")
      assert.strictEqual(encrypted.received[0]?.user, "edge")
      const wrong = yield* send(`smtp://edge:hunter2@localhost:${encrypted.port}`, { tls: trusted })
      assert.strictEqual(wrong._tag, "Failed")
      assert.match(errorOf(wrong), /535/)
      assert.notInclude(errorOf(wrong), "hunter2")
    }).pipe(Effect.scoped)
  )

  it.live("a check connects and logs in as for a mail, and sends no mail", () =>
    Effect.gen(function* () {
      const onAuth: SMTPServerOptions["onAuth"] = ({ password, username }, _, callback) =>
        password === "right" ? callback(null, { user: username }) : callback(refusal(535, "5.7.8 wrong"))
      const encrypted = yield* mailReceiver({ ...certificate, onAuth, disabledCommands: [] })
      const plain = yield* mailReceiver()
      const options = { tls: trusted }
      const urlOf = (login: string, port: number) => `smtp://${login}localhost:${port}`
      const ready = { _tag: "Ready", isLocal: true } as const
      assert.deepStrictEqual(yield* check(urlOf("edge:right@", encrypted.port), options), {
        ...ready,
        isEncrypted: true
      })
      assert.deepStrictEqual(yield* check(urlOf("", plain.port)), { ...ready, isEncrypted: false })
      const wrong = yield* check(urlOf("edge:hunter2@", encrypted.port), options)
      assert.strictEqual(wrong._tag, "Failed")
      assert.match(wrong._tag === "Failed" ? wrong.error : "", /535/)
      assert.notInclude(JSON.stringify(wrong), "hunter2")
      const hangs = yield* rawServer(() => {})
      assert.deepStrictEqual(yield* check(urlOf("", hangs.port), { timeout: "100 millis" }), {
        _tag: "Failed",
        error: "the mail server did not answer within 100ms"
      })
      assert.deepStrictEqual([encrypted.received, plain.received], [[], []])
    }).pipe(Effect.scoped)
  )

  it.live(
    "5xx for the recipient or the message is a refusal; 5.7.x for the recipient, any earlier 5xx and any 4xx are failures",
    () =>
      Effect.gen(function* () {
        const answers: ReadonlyArray<readonly [SMTPServerOptions, Outcome["_tag"], RegExp]> = [
          [
            { onRcptTo: (_, __, callback) => callback(refusal(550, "5.1.1 unknown")) },
            "Refused",
            /550 5\.1\.1 unknown/
          ],
          [{ onRcptTo: (_, __, callback) => callback(refusal(450, "4.2.1 greylisted")) }, "Failed", /450/],
          [
            { onRcptTo: (_, __, callback) => callback(refusal(554, "5.7.1 Relay access denied")) },
            "Failed",
            /554 5\.7\.1/
          ],
          [{ onMailFrom: (_, __, callback) => callback(refusal(550, "5.7.1 sender")) }, "Failed", /550/],
          [{ onConnect: (_, callback) => callback(refusal(554, "5.7.1 no")) }, "Failed", /554/],
          [
            {
              onData: (stream, _, callback) => {
                stream.on("end", () => callback(refusal(554, "5.6.0 rejected")))
                stream.resume()
              }
            },
            "Refused",
            /554/
          ],
          [
            {
              onData: (stream, _, callback) => {
                stream.on("end", () => callback(refusal(451, "4.3.0 later")))
                stream.resume()
              }
            },
            "Failed",
            /451/
          ]
        ]
        for (const [options, tag, error] of answers) {
          const outcome = yield* outcomeWith(options)
          assert.strictEqual(outcome._tag, tag, String(error))
          assert.match(errorOf(outcome), error)
        }
      })
  )

  it.live("a server that is down, cuts the connection or hangs is a failure, and no connection stays open", () =>
    Effect.gen(function* () {
      assert.match(errorOf(yield* send("smtp://127.0.0.1:1")), /ECONNREFUSED/)
      const cuts = yield* rawServer((socket) => socket.end("220 hello\r\n"))
      assert.strictEqual((yield* send(`smtp://127.0.0.1:${cuts.port}`))._tag, "Failed")
      const hangs = yield* rawServer(() => {})
      const outcome = yield* send(`smtp://127.0.0.1:${hangs.port}`, { timeout: "200 millis" })
      assert.deepStrictEqual(outcome, { _tag: "Failed", error: "the mail server did not answer within 200ms" })
      const dripping = yield* rawServer((socket) => {
        socket.write("220 hello\r\n")
        socket.on("data", () => socket.write("250-more\r\n"))
      })
      assert.strictEqual((yield* send(`smtp://127.0.0.1:${dripping.port}`, { timeout: "200 millis" }))._tag, "Failed")
      const fiber = yield* Effect.forkChild(send(`smtp://127.0.0.1:${hangs.port}`))
      yield* until("the mail is being sent", () => hangs.open.size === 1)
      yield* Fiber.interrupt(fiber)
      yield* until(
        "no connection is open",
        () => hangs.open.size === 0 && dripping.open.size === 0 && cuts.open.size === 0
      )
    }).pipe(Effect.scoped)
  )
})
