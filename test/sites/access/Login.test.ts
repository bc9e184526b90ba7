/**
 * Log-in by mail: what the person gets, and what others can do with it.
 */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Option, Redacted } from "effect"
import * as Mailer from "../../../src/delivery/mail/Mailer.ts"
import type { Message } from "../../../src/delivery/mail/Message.ts"
import { ConsoleSessions, cookieSyntax, limits } from "../../../src/sites/access/ConsoleSession.ts"
import { addressLimit, clientLimit } from "../../../src/sites/access/MailedLink.ts"
import { fromOwnPage, newCookie, send } from "../../support/OwnerRequests.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { poll } from "../../support/Wait.ts"

const sent: Array<Message> = []

const secretsKey = Redacted.make<Uint8Array>(new Uint8Array(32))

const server = (canMail = true) =>
  testServer(
    { secretsKey: Option.some(secretsKey) },
    undefined,
    undefined,
    canMail
      ? Option.some({
          mailer: Mailer.makeMemory(sent),
          sender: {
            from: { name: "Edge", address: "mail@edge.example" },
            publicUrl: "https://edge.example",
            consoleUrl: "https://edge.example/console",
            secretsKey
          }
        })
      : Option.none()
  )

/** A person, who opened an invitation. */
const newPerson = Effect.gen(function* () {
  const sessions = yield* ConsoleSessions
  const email = `${randomUUID()}@example.org`
  const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
  const request = { role: "viewer", sites: "all", label: "Ada", email, linkExpiresAt } as const
  const { link } = yield* Effect.flatMap(sessions.createLink(request), Effect.fromOption)
  yield* sessions.open(link)
  return email
}).pipe(Effect.orDie)

const login = (body: unknown, headers: Record<string, string> = fromOwnPage) =>
  Effect.flatMap(TestServer, ({ url }) => send(url, "/v1/owner/login", { body, init: { headers } }))

/** The mails to an address, once there are `count`. */
const mailsTo = (email: string, count = 1) =>
  poll(
    Effect.sync(() => sent.filter(({ to }) => to.toLowerCase() === email.toLowerCase())),
    (mails) => mails.length >= count
  )

const urlIn = (mail: Message | undefined): string => /https:\/\/\S+#\/link\/\S+/.exec(mail?.text ?? "")?.[0] ?? ""

const secretIn = (mail: Message | undefined): string =>
  urlIn(mail)
    .split("/")
    .find((part) => part.startsWith("hcl_")) ?? ""

const open = (secret: string, cookie?: string) =>
  Effect.flatMap(TestServer, ({ url }) =>
    send(url, "/v1/owner/session", {
      body: { secret },
      ...(cookie !== undefined && { cookie }),
      init: { headers: { origin: url, ...fromOwnPage } }
    })
  )

const cookieOf = (headers: Headers): string =>
  /hydracore_console=([^;]*)/.exec(headers.get("set-cookie") ?? "")?.[1] ?? ""

const status = (cookie: string, path = "/v1/owner/session") =>
  Effect.flatMap(TestServer, ({ url }) => Effect.map(send(url, path, { cookie }), (answer) => answer.status))

describe("log-in by mail", () => {
  layer(server(), { excludeTestServices: true })("of a person", (it) => {
    it.effect("mails a link that opens the page that was asked for, once, and only to a known address", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const email = yield* newPerson
        const page = "#/0f8fad5b-d9cb-469f-a165-70867728950e/inbox?status=new"
        const known = yield* login({ email: email.toUpperCase(), page })
        const unknown = yield* login({ email: `${randomUUID()}@example.org`, page })
        assert.deepStrictEqual([known.status, known.text], [204, ""])
        const withoutDate = ({ headers }: typeof known) =>
          [...headers].filter(([name]) => !["date", "connection"].includes(name))
        assert.deepStrictEqual([unknown.status, withoutDate(unknown)], [known.status, withoutDate(known)])
        const [mail] = yield* mailsTo(email)
        assert.strictEqual(mail?.to, email)
        assert.strictEqual(mail?.unsubscribeUrl, null)
        assert.isTrue(urlIn(mail).endsWith(`/${encodeURIComponent(page)}`))
        assert.isTrue(urlIn(mail).startsWith("https://edge.example/console/#/link/hcl_"))

        // Reading the link, as a mail scanner that runs the page's script may, does not use it up.
        const secret = secretIn(mail)
        for (let count = 0; count < 2; count++) {
          const read = yield* send(url, "/v1/owner/session/link", { body: { secret }, init: { headers: fromOwnPage } })
          assert.strictEqual(JSON.parse(read.text).person.email, email)
        }
        const opened = yield* open(secret)
        assert.strictEqual(opened.status, 204)
        const current = yield* send(url, "/v1/owner/session", { cookie: cookieOf(opened.headers) })
        const { person, roles } = JSON.parse(current.text)
        assert.deepInclude(person, { email, name: "Ada" })
        assert.deepStrictEqual(roles, [{ role: "viewer", sites: "all" }])
        // A replay opens nothing.
        assert.strictEqual((yield* open(secret)).status, 401)
        assert.lengthOf(
          sent.filter(({ to }) => to !== email),
          0
        )
      })
    )

    it.effect("a link opens nothing after 15 minutes", () =>
      Effect.gen(function* () {
        const sessions = yield* ConsoleSessions
        const email = yield* newPerson
        yield* login({ email })
        const [mail] = yield* mailsTo(email)
        const { ends_at } = Option.getOrThrow(yield* Effect.orDie(sessions.findLink(secretIn(mail))))
        const left = Date.parse(ends_at) - (yield* Clock.currentTimeMillis)
        assert.isAtMost(left, limits.login)
        assert.isAbove(left, limits.login - 60_000)
      })
    )

    it.effect("a cookie that somebody else chose is no session, before the log-in or after it", () =>
      Effect.gen(function* () {
        const email = yield* newPerson
        const chosen = cookieSyntax.format(randomBytes(32))
        yield* login({ email })
        const [mail] = yield* mailsTo(email)
        const opened = yield* open(secretIn(mail), chosen)
        const own = cookieOf(opened.headers)
        assert.notStrictEqual(own, chosen)
        assert.strictEqual(yield* status(own), 200)
        assert.strictEqual(yield* status(chosen), 401)
      })
    )

    it.effect("the session that the browser had ends, and the person's other devices stay logged in", () =>
      Effect.gen(function* () {
        const email = yield* newPerson
        yield* login({ email })
        yield* login({ email })
        const [first, second] = yield* mailsTo(email, 2)
        const old = yield* newCookie("owner", "all")
        const [one, two] = [yield* open(secretIn(first), old), yield* open(secretIn(second))].map(({ headers }) =>
          cookieOf(headers)
        )
        yield* poll(status(old), (code) => code === 401)
        assert.deepStrictEqual([yield* status(one ?? ""), yield* status(two ?? "")], [200, 200])
      })
    )

    it.effect("a person lists the own devices, and logs one of them out within a second", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const newDevices = Effect.fnUntraced(function* (count: number) {
          const email = yield* newPerson
          for (let number = 0; number < count; number++) yield* login({ email })
          const opened = yield* Effect.forEach(yield* mailsTo(email, count), (mail) => open(secretIn(mail)))
          return opened.map(({ headers }) => cookieOf(headers))
        })
        const [one = "", two = ""] = yield* newDevices(2)
        const [stranger = ""] = yield* newDevices(1)
        const idOf = (cookie: string) =>
          Effect.map(send(url, "/v1/owner/session", { cookie }), ({ text }): string => JSON.parse(text).session_id)
        const end = (cookie: string, id: string) =>
          send(url, `/v1/owner/session/devices/${id}`, {
            cookie,
            init: { method: "DELETE", headers: fromOwnPage }
          }).pipe(Effect.map((answer) => answer.status))
        const devices = Effect.map(
          send(url, "/v1/owner/session/devices", { cookie: one }),
          ({ text }): ReadonlyArray<{ session_id: string; current: boolean }> => JSON.parse(text).devices
        )
        const [own, other] = [yield* idOf(one), yield* idOf(two)]
        const listed = yield* devices
        // And the device on which the invitation was opened.
        assert.lengthOf(listed, 3)
        assert.deepInclude(
          listed.find(({ session_id }) => session_id === own),
          { current: true }
        )
        assert.deepInclude(
          listed.find(({ session_id }) => session_id === other),
          { current: false }
        )
        assert.strictEqual(yield* end(stranger, other), 404)
        assert.strictEqual(yield* end(one, other), 204)
        yield* poll(status(two), (code) => code === 401)
        assert.lengthOf(yield* devices, 2)
        assert.strictEqual(yield* status(one), 200)
      })
    )

    it.effect("a mail names no page of another website, no text, and no other secret", () =>
      Effect.gen(function* () {
        const email = yield* newPerson
        for (const page of [
          "https://evil.example/",
          "//evil.example",
          "/console/",
          "#/a b",
          '#/"><script>',
          "#/link/hcl_secret",
          "#/share/hsh_secret",
          `#/${"a".repeat(500)}`
        ]) {
          assert.strictEqual((yield* login({ email, page })).status, 422, page)
        }
        for (const wrong of ["ada", "", `a@b.example, ${email}`, `${email}\r\nBcc: b@example.org`]) {
          assert.strictEqual((yield* login({ email: wrong })).status, 422)
        }
        assert.strictEqual((yield* login({ email }, { "sec-fetch-site": "cross-site" })).status, 401)
        assert.lengthOf(
          sent.filter(({ to }) => to === email),
          0
        )
      })
    )
  })

  layer(server(), { excludeTestServices: true })("of a third person", (it) => {
    it.effect("an address gets few mails, and a known one is refused like an unknown one", () =>
      Effect.gen(function* () {
        const email = yield* newPerson
        for (const address of [email, `${randomUUID()}@example.org`]) {
          const statuses: Array<number> = []
          for (let count = 0; count <= addressLimit.limit; count++) {
            statuses.push((yield* login({ email: count % 2 === 0 ? address : address.toUpperCase() })).status)
          }
          assert.deepStrictEqual(statuses, [...Array.from({ length: addressLimit.limit }, () => 204), 429])
        }
        assert.lengthOf(yield* mailsTo(email, addressLimit.limit), addressLimit.limit)
        // And one client requests few links, for whatever addresses.
        const used = 2 * (addressLimit.limit + 1)
        for (let count = used; count < clientLimit.limit; count++) {
          assert.strictEqual((yield* login({ email: `${randomUUID()}@example.org` })).status, 204)
        }
        const refused = yield* login({ email: `${randomUUID()}@example.org` })
        assert.strictEqual(refused.status, 429)
        assert.isAbove(Number(refused.headers.get("retry-after")), 0)
      })
    )
  })

  layer(server(), { excludeTestServices: true })("of a session without a person", (it) => {
    const name = (cookie: string, email: string) =>
      Effect.flatMap(TestServer, ({ url }) =>
        send(url, "/v1/owner/session/person", {
          body: { name: "Ada", email },
          cookie,
          init: { method: "PUT", headers: fromOwnPage }
        })
      )

    it.effect("a viewer becomes one person, and invites nobody else", () =>
      Effect.gen(function* () {
        const viewer = yield* newCookie("viewer", "all")
        const [own, friend] = [`${randomUUID()}@example.org`, `${randomUUID()}@example.org`]
        for (const email of [own, friend]) {
          const named = yield* name(viewer, email)
          assert.deepStrictEqual([named.status, JSON.parse(named.text)], [200, { mailed: true }])
        }
        const [[mail], [other]] = [yield* mailsTo(own), yield* mailsTo(friend)]
        const opened = yield* open(secretIn(mail))
        assert.strictEqual(yield* status(cookieOf(opened.headers)), 200)
        assert.strictEqual((yield* open(secretIn(other))).status, 401)
        yield* poll(status(viewer), (code) => code === 401)
      })
    )
  })

  layer(server(false), { excludeTestServices: true })("without a mail server", (it) => {
    it.effect("says that links come from the operator", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const facts = yield* send(url, "/v1/owner/login", { init: { headers: fromOwnPage } })
        assert.deepStrictEqual(JSON.parse(facts.text), { can_mail: false })
        const refused = yield* login({ email: "ada@example.org" })
        assert.strictEqual(refused.status, 404)
        assert.include(refused.text, "hydracore console link")
      })
    )
  })
})
