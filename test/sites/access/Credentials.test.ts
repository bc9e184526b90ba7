/**
 * Keys and sessions over HTTP: a caller manages those that grant no more access than the caller has.
 */
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Option, Redacted } from "effect"
import * as Mailer from "../../../src/delivery/mail/Mailer.ts"
import type { Message } from "../../../src/delivery/mail/Message.ts"
import { type ConsoleSession, ConsoleSessions } from "../../../src/sites/access/ConsoleSession.ts"
import { mailLimit } from "../../../src/sites/access/MailedLink.ts"
import type { OwnerKey } from "../../../src/sites/access/OwnerKey.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { fromOwnPage, newCookie, newLink, send } from "../../support/OwnerRequests.ts"
import { TestServer, onPostgres as testServer } from "../../support/TestServer.ts"
import { poll } from "../../support/Wait.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] })).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId),
  Effect.orDie
)

const newKey = (access: Pick<OwnerKey, "scope" | "sites">, expiresAt: number | null = null) =>
  OwnerKeys.use((keys) => keys.issue({ ...access, label: null, expiresAt })).pipe(
    Effect.flatMap(Effect.fromOption),
    Effect.orDie
  )

const request = Effect.fnUntraced(function* (cookie: string, method: string, path: string, body?: unknown) {
  const { url } = yield* TestServer
  return yield* send(url, `/v1/owner/${path}`, { cookie, ...(body === undefined ? {} : { body }), init: { method } })
})

const sent: Array<Message> = []

/** The mailer refuses mails to this address. */
const refusedAddress = "nobody@example.com"

const secretsKey = Redacted.make<Uint8Array>(new Uint8Array(32))

const mail = Option.some({
  mailer: Mailer.makeMemory(sent, ({ to }) =>
    to === refusedAddress ? { _tag: "Refused", error: "550 no such user" } : { _tag: "Accepted" }
  ),
  sender: {
    from: { name: "Edge", address: "mail@edge.example" },
    publicUrl: "https://edge.example",
    consoleUrl: "https://edge.example/console",
    secretsKey
  }
})

const server = testServer({ secretsKey: Option.some(secretsKey) }, undefined, undefined, mail)
layer(server, { excludeTestServices: true })("credentials", (it) => {
  it.effect("an owner issues, lists and revokes keys for the same websites, up to the same scope", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const [ownSite, other] = [yield* newSite, yield* newSite]
      const owner = yield* newCookie("owner", [ownSite])
      const { session_id } = JSON.parse((yield* request(owner, "GET", "sessions")).text).sessions[0]
      const [foreign, both, all] = [
        yield* newKey({ scope: "stats", sites: [other] }),
        yield* newKey({ scope: "stats", sites: [ownSite, other] }),
        yield* newKey({ scope: "stats", sites: "all" })
      ]
      const issued = yield* request(owner, "POST", "keys", { scope: "write", sites: [ownSite], label: "Program" })
      assert.strictEqual(issued.status, 200)
      const { key, key_id } = JSON.parse(issued.text)
      assert.strictEqual((yield* send(url, "/v1/owner/sites", { key })).status, 200)
      const listed = JSON.parse((yield* request(owner, "GET", "keys")).text).keys
      assert.deepStrictEqual(
        listed.map(({ created_at: _, ...rest }: Record<string, unknown>) => rest),
        [
          {
            key_id,
            scope: "write",
            sites: [ownSite],
            label: "Program",
            expires_at: null,
            revoked_at: null,
            issued_by: session_id
          }
        ]
      )
      assert.notInclude(JSON.stringify(listed), key)
      for (const sites of ["all", [other], [ownSite, other], [ownSite.replace(/.$/, "0"), other]]) {
        assert.strictEqual((yield* request(owner, "POST", "keys", { scope: "stats", sites })).status, 404)
      }
      for (const { key_id } of [foreign, both, all]) {
        assert.strictEqual((yield* request(owner, "DELETE", `keys/${key_id}`)).status, 404)
      }
      assert.strictEqual((yield* send(url, "/v1/owner/sites", { key: foreign.key })).status, 200)
      assert.strictEqual((yield* request(owner, "DELETE", `keys/${key_id}`)).status, 200)
      yield* poll(send(url, "/v1/owner/sites", { key }), ({ status }) => status === 401)
    })
  )

  it.effect("an owner lets a colleague see one website with a link, and ends the colleague's session", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const [ownSite, other] = [yield* newSite, yield* newSite]
      const owner = yield* newCookie("owner", [ownSite, other])
      const wider = yield* newLink("viewer", "all")
      const created = yield* request(owner, "POST", "sessions", { role: "viewer", sites: [ownSite], label: "Ada" })
      const { path, session_id } = JSON.parse(created.text)
      const secret = String(path).split("/console/#/link/")[1]
      const opened = yield* send(url, "/v1/owner/session", { body: { secret }, init: { headers: fromOwnPage } })
      const cookie = /hydracore_console=([^;]+)/.exec(opened.headers.get("set-cookie") ?? "")?.[1] ?? ""
      const listed = yield* request(cookie, "GET", "sites")
      assert.deepStrictEqual(
        JSON.parse(listed.text).sites.map(({ site_id }: { site_id: string }) => site_id),
        [ownSite]
      )
      const sessions = JSON.parse((yield* request(owner, "GET", "sessions")).text).sessions
      assert.deepStrictEqual(
        sessions.map(({ current, label, roles }: ConsoleSession & { current: boolean }) => [
          roles[0]?.role,
          label,
          current
        ]),
        [
          ["owner", null, true],
          ["viewer", "Ada", false]
        ]
      )
      assert.strictEqual((yield* request(owner, "DELETE", `sessions/${wider.session.session_id}`)).status, 404)
      assert.strictEqual((yield* request(owner, "DELETE", `sessions/${session_id}`)).status, 200)
      yield* poll(request(cookie, "GET", "sites"), ({ status }) => status === 401)
    })
  )

  it.effect("mails a link, which is not in the response, and stores its address until it is opened", () =>
    Effect.gen(function* () {
      const ownSite = yield* newSite
      const owner = yield* newCookie("owner", [ownSite])
      const invite = (email: string) =>
        request(owner, "POST", "sessions", { role: "viewer", sites: [ownSite], label: "Ada", email })
      const { mailed, path } = JSON.parse((yield* invite(" ada@example.org ")).text)
      assert.deepStrictEqual([mailed, path], [true, null])
      const message = sent.at(-1)
      assert.strictEqual(message?.to, "ada@example.org")
      assert.match(message?.text ?? "", /https:\/\/edge\.example\/console\/#\/link\/hcl_[\w-]{43}/)
      assert.strictEqual((yield* invite("ada")).status, 422)
      const failed = yield* invite(refusedAddress)
      assert.strictEqual(failed.status, 422)
      assert.include(failed.text, "550 no such user")
      const listed = (yield* request(owner, "GET", "sessions")).text
      assert.deepStrictEqual(
        JSON.parse(listed).sessions.map(({ email }: { email: string | null }) => email),
        [null, "ada@example.org"]
      )
      // The owner's own session, and the link that was mailed.
      assert.strictEqual(JSON.parse(listed).sessions.length, 2)
      assert.isTrue(JSON.parse(listed).can_mail)
      const responses = yield* Effect.forEach(Array.from({ length: mailLimit.limit }).keys(), (index) =>
        invite(`colleague${index}@example.org`)
      )
      assert.deepInclude(responses.at(-1), { status: 429 })
      assert.include(responses.at(-1)?.text, "invitations an hour")
      const other = yield* newSite
      const foreign = yield* request(owner, "POST", "sessions", {
        role: "viewer",
        sites: [other],
        email: refusedAddress
      })
      assert.strictEqual(foreign.status, 404)
    })
  )

  it.effect("mails a stranger one invitation in ten minutes, and none after the stranger unsubscribed", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const ownSite = yield* newSite
      const owner = yield* newCookie("owner", [ownSite])
      const before = sent.length
      const invite = request(owner, "POST", "sessions", {
        role: "viewer",
        sites: [ownSite],
        email: "stranger@example.org"
      })
      const [first, ...others] = yield* Effect.replicateEffect(invite, 5)
      assert.strictEqual(first?.status, 200)
      for (const other of others) {
        assert.strictEqual(other.status, 429)
        assert.include(other.text, "At least 10 minutes pass between two mails to an address that has not confirmed.")
        const wait = Number(other.headers.get("retry-after"))
        assert.isTrue(wait > 500 && wait <= 600, `Retry-After: ${wait}`)
      }
      assert.lengthOf(sent, before + 1)
      const { text, unsubscribeUrl } = sent[before]!
      assert.notInclude(text, "once, because")
      assert.include(text, `To unsubscribe: ${unsubscribeUrl}`)
      assert.notInclude(unsubscribeUrl ?? "", "stranger")
      const path = new URL(unsubscribeUrl ?? "").pathname
      const page = yield* send(url, path)
      assert.strictEqual(page.status, 200)
      assert.include(page.text, "Unsubscribe?")
      assert.strictEqual((yield* send(url, `${path.slice(0, -3)}abc`)).status, 404)
      // Opening the page changes nothing.
      assert.strictEqual((yield* invite).status, 429)
      assert.strictEqual((yield* send(url, path, { init: { method: "POST" } })).status, 200)
      const refused = yield* invite
      assert.strictEqual(refused.status, 422)
      assert.include(refused.text, "unsubscribed")
      assert.lengthOf(sent, before + 1)
      const added = yield* request(owner, "POST", `sites/${ownSite}/notifications`, { to: "Stranger@example.org" })
      assert.strictEqual(added.status, 422)
      // No link remains of the refused invitations.
      assert.lengthOf(JSON.parse((yield* request(owner, "GET", "sessions")).text).sessions, 2)
    })
  )

  it.effect("ending a session revokes the keys that were issued in it, and signing out does not", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const ownSite = yield* newSite
      const [otherOwner, ended, signedOut] = [
        yield* newCookie("owner", [ownSite]),
        yield* newCookie("owner", [ownSite]),
        yield* newCookie("owner", [ownSite])
      ]
      const keyOf = (cookie: string) =>
        Effect.map(request(cookie, "POST", "keys", { scope: "stats", sites: [ownSite] }), ({ text }) =>
          JSON.parse(text)
        )
      const [ofEnded, ofSignedOut] = [yield* keyOf(ended), yield* keyOf(signedOut)]
      assert.strictEqual((yield* request(signedOut, "DELETE", "session")).status, 204)
      const { keys } = JSON.parse((yield* request(otherOwner, "GET", "keys")).text)
      const session = keys.find(({ key_id }: { key_id: string }) => key_id === ofEnded.key_id).issued_by
      assert.strictEqual((yield* request(otherOwner, "DELETE", `sessions/${session}`)).status, 200)
      yield* Effect.repeat(send(url, "/v1/owner/sites", { key: ofEnded.key }), {
        until: ({ status }) => status === 401
      })
      assert.strictEqual((yield* send(url, "/v1/owner/sites", { key: ofSignedOut.key })).status, 200)
    })
  )

  it.effect("ending a session with its opened links also ends the session of a thief who opened such a link", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const ownSite = yield* newSite
      const [otherOwner, stolen] = [yield* newCookie("owner", [ownSite]), yield* newCookie("owner", [ownSite])]
      const { path } = JSON.parse(
        (yield* request(stolen, "POST", "sessions", { role: "owner", sites: [ownSite] })).text
      )
      const secret = String(path).split("/console/#/link/")[1]
      const opened = yield* send(url, "/v1/owner/session", { body: { secret }, init: { headers: fromOwnPage } })
      const thief = /hydracore_console=([^;]+)/.exec(opened.headers.get("set-cookie") ?? "")?.[1] ?? ""
      const { sessions } = JSON.parse((yield* request(stolen, "GET", "sessions")).text)
      const { session_id } = sessions.find(({ current }: { current: boolean }) => current)
      const end = (value: string) => request(otherOwner, "DELETE", `sessions/${session_id}?with_opened=${value}`)
      assert.strictEqual((yield* end("yes")).status, 422)
      assert.strictEqual((yield* end("true")).status, 200)
      for (const cookie of [stolen, thief]) {
        yield* poll(request(cookie, "GET", "sites"), ({ status }) => status === 401)
      }
      assert.strictEqual((yield* request(otherOwner, "GET", "sites")).status, 200)
    })
  )

  it.effect(
    "limits the keys and the sessions of a caller for some websites, also of concurrent requests, and not of a caller for all",
    () =>
      Effect.gen(function* () {
        const ownSite = yield* newSite
        const owner = yield* newCookie("owner", [ownSite])
        const most = Array.from({ length: Maximums.keys.max - 1 })
        yield* Effect.forEach(most, () => newKey({ scope: "stats", sites: [ownSite] }))
        // The owner's own session counts.
        yield* Effect.forEach(most.slice(1), () => newLink("viewer", [ownSite]))
        const key = request(owner, "POST", "keys", { scope: "stats", sites: [ownSite] })
        const link = request(owner, "POST", "sessions", { role: "viewer", sites: [ownSite] })
        const created = yield* Effect.forEach([key, link], (create) =>
          Effect.gen(function* () {
            const answers = yield* Effect.replicateEffect(create, 3, { concurrency: "unbounded" })
            const [accepted, ...others] = answers.toSorted((one, other) => one.status - other.status)
            assert.deepStrictEqual([accepted?.status, ...others.map(({ status }) => status)], [200, 422, 422])
            return JSON.parse(accepted?.text ?? "")
          })
        )
        for (const more of [key, link]) assert.strictEqual((yield* more).status, 422)
        assert.strictEqual((yield* request(owner, "DELETE", `keys/${created[0].key_id}`)).status, 200)
        assert.strictEqual((yield* key).status, 200)
        const all = yield* newCookie("owner", "all")
        assert.strictEqual((yield* request(all, "POST", "keys", { scope: "stats", sites: [ownSite] })).status, 200)
      })
  )

  it.effect("a key that expires issues no key that expires later, creates no link and raises nobody", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const ownSite = yield* newSite
      const end = (yield* Clock.currentTimeMillis) + 3_600_000
      const { key } = yield* newKey({ scope: "write", sites: [ownSite] }, end)
      const ask = (path: string, body: object) => send(url, `/v1/owner/${path}`, { key, body })
      const issue = (expires_at?: string) => ask("keys", { scope: "write", sites: [ownSite], expires_at })
      for (const later of [undefined, new Date(end + 1_000).toISOString()]) {
        const answer = yield* issue(later)
        assert.strictEqual(answer.status, 422)
        assert.include(answer.text, "when the key of this request expires")
      }
      assert.strictEqual((yield* issue(new Date(end - 1_000).toISOString())).status, 200)
      const link = yield* ask("sessions", { role: "viewer", sites: [ownSite] })
      assert.strictEqual(link.status, 422)
      assert.include(link.text, "use a key that does not expire")
      const invited = yield* ConsoleSessions.use((sessions) =>
        sessions.createLink({
          role: "viewer",
          sites: [ownSite],
          label: "Ada",
          email: "ada.viewer@example.com",
          linkExpiresAt: end
        })
      ).pipe(Effect.flatMap(Effect.fromOption), Effect.orDie)
      const opened = yield* ConsoleSessions.use((sessions) => sessions.open(invited.link)).pipe(Effect.orDie)
      const id = Option.getOrThrow(opened).session.person?.person_id
      for (const [role, status] of [
        ["owner", 422],
        ["member", 422],
        ["viewer", 204]
      ] as const) {
        const changed = yield* send(url, `/v1/owner/people/${id}/role`, {
          key,
          body: { role, sites: [ownSite] },
          init: { method: "PUT" }
        })
        assert.strictEqual(changed.status, status)
      }
    })
  )

  it.effect("invalid requests get a 422", () =>
    Effect.gen(function* () {
      const ownSite = yield* newSite
      const owner = yield* newCookie("owner", [ownSite])
      for (const [name, body] of [
        ["keys", { scope: "admin", sites: [ownSite] }],
        ["keys", { scope: "stats", sites: [] }],
        ["keys", { scope: "stats", sites: "some" }],
        ["keys", { scope: "stats", sites: [ownSite], expires_at: "2020-01-01" }],
        ["sessions", { role: "admin", sites: [ownSite] }],
        ["sessions", { role: "owner", sites: [ownSite], expires_at: "2100-01-01" }],
        ["sessions", { role: "owner", sites: [ownSite], label: "" }]
      ] as const) {
        assert.strictEqual((yield* request(owner, "POST", name, body)).status, 422, JSON.stringify(body))
      }
    })
  )
})
