/** The links in mails, on each storage. */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import * as LinkToken from "../../../src/delivery/mail/LinkToken.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { NotificationId } from "../../../src/platform/Id.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { postgres } from "../../support/Storages.ts"
import * as Server from "../../support/TestServer.ts"

const key = new Uint8Array(randomBytes(32))
const secretsKey = Option.some(Redacted.make<Uint8Array>(key))

const request = (method: string, token: string, init: RequestInit = {}, page = "unsubscribe") =>
  Server.TestServer.use(({ send }) => send(`/v1/public/mail/${page}/${token}`, undefined, { method, ...init }))

const addNotification = Effect.gen(function* () {
  const { websiteConfigId } = yield* Server.TestServer
  const notifications = yield* Notifications
  const added = yield* notifications.add(websiteConfigId, { to: "ada@example.com" })
  return Option.getOrThrow(added).notification_id
})

const find = Effect.fnUntraced(function* (id: NotificationId) {
  const { websiteConfigId } = yield* Server.TestServer
  const notifications = yield* Notifications
  return yield* notifications.find(websiteConfigId, id)
})

const exists = (id: NotificationId) => Effect.map(find(id), Option.isSome)

/** What mail clients send (RFC 8058). */
const oneClick = {
  body: "List-Unsubscribe=One-Click",
  headers: { "content-type": "application/x-www-form-urlencoded" }
}

/** Adds a notification as an owner does, and returns its id and the token that confirms its address. */
const addByOwner = Effect.gen(function* () {
  const { websiteConfigId } = yield* Server.TestServer
  const notifications = yield* Notifications
  const added = yield* notifications.addByOwner(websiteConfigId, { to: "bob@example.com" })
  if (added._tag !== "Added") return assert.fail(added._tag)
  const token = LinkToken.signConfirmation(key, websiteConfigId, "bob@example.com")
  return { id: added.notification.notification_id, token }
})

const isConfirmed = (id: NotificationId) =>
  Effect.map(
    find(id),
    Option.exists(({ confirmed }) => confirmed)
  )

const storage = postgres()
const layers = Server.layer({ secretsKey }, undefined, undefined, storage).pipe(Layer.provideMerge(storage))
describe("the unsubscribe link", () => {
  it.live("opening the link changes nothing, one click ends the mails, and further clicks get the same response", () =>
    Effect.gen(function* () {
      const id = yield* addNotification
      const token = LinkToken.signUnsubscribe(key, id)
      for (const method of ["GET", "HEAD", "GET"]) assert.strictEqual((yield* request(method, token)).status, 200)
      const page = yield* request("GET", token)
      assert.include(page.text, '<form method="post">')
      assert.include(page.headers.get("content-security-policy") ?? "", "form-action 'self'; frame-ancestors 'none'")
      assert.strictEqual(page.headers.get("cache-control"), "no-store")
      assert.isTrue(yield* exists(id))
      for (const init of [oneClick, {}, oneClick]) {
        const answer = yield* request("POST", token, init)
        assert.strictEqual(answer.status, 200)
        assert.include(answer.text, "You are unsubscribed")
        assert.isFalse(yield* exists(id))
      }
    }).pipe(Effect.provide(layers))
  )

  it.live("a link with another signature unsubscribes no one and is a 404", () =>
    Effect.gen(function* () {
      const id = yield* addNotification
      const token = LinkToken.signUnsubscribe(key, id)
      const [, signature] = token.split(".")
      const foreign = LinkToken.signUnsubscribe(new Uint8Array(randomBytes(32)), id)
      for (const wrong of [foreign, `${id}.`, id, `${randomUUID()}.${signature}`, "%00", "..%2f", `${token}.x`]) {
        for (const method of ["GET", "POST"]) {
          assert.strictEqual((yield* request(method, wrong)).status, 404, wrong)
        }
      }
      assert.strictEqual((yield* request("PUT", token)).status, 405)
      assert.isTrue(yield* exists(id))
    }).pipe(Effect.provide(layers))
  )
})

describe("the confirmation link", () => {
  it.live(
    "opening the link confirms nothing; the button on its page confirms the address, also when it is pressed again",
    () =>
      Effect.gen(function* () {
        const { id, token } = yield* addByOwner
        assert.notInclude(token, "bob")
        for (const method of ["GET", "HEAD", "GET"]) {
          assert.strictEqual((yield* request(method, token, {}, "confirm")).status, 200)
        }
        const page = yield* request("GET", token, {}, "confirm")
        assert.include(page.text, '<form method="post"><button>Confirm this address</button>')
        assert.include(page.headers.get("content-security-policy") ?? "", "form-action 'self'")
        assert.isFalse(yield* isConfirmed(id))
        for (const _ of [1, 2]) {
          const answer = yield* request("POST", token, {}, "confirm")
          assert.strictEqual(answer.status, 200)
          assert.include(answer.text, "Your address is confirmed")
          assert.isTrue(yield* isConfirmed(id))
        }
      }).pipe(Effect.provide(layers))
  )

  it.live("a link with another signature, for another purpose or of a removed address confirms nothing", () =>
    Effect.gen(function* () {
      const { id, token } = yield* addByOwner
      const { websiteConfigId } = yield* Server.TestServer
      const foreign = LinkToken.signConfirmation(new Uint8Array(randomBytes(32)), websiteConfigId, "bob@example.com")
      for (const wrong of [
        foreign,
        LinkToken.signUnsubscribe(key, id),
        `${token}x`,
        token.slice(0, -1),
        websiteConfigId
      ]) {
        for (const method of ["GET", "POST"]) {
          assert.strictEqual((yield* request(method, wrong, {}, "confirm")).status, 404, wrong)
        }
      }
      assert.strictEqual((yield* request("POST", token)).status, 404)
      assert.isFalse(yield* isConfirmed(id))
      yield* Notifications.use((notifications) => notifications.remove(websiteConfigId, id))
      const answer = yield* request("POST", token, {}, "confirm")
      assert.strictEqual(answer.status, 404)
      assert.include(answer.text, "Ask the owner of the website")
    }).pipe(Effect.provide(layers))
  )
})

describe("an unsubscribe link that cannot work", () => {
  it.live("without SECRETS_KEY no link is valid", () =>
    Effect.gen(function* () {
      const token = LinkToken.signUnsubscribe(key, yield* addNotification)
      assert.strictEqual((yield* request("POST", token)).status, 404)
    }).pipe(Effect.provide(Server.onPostgres()))
  )

  it.live("the response does not report success while the database is down", () =>
    Effect.gen(function* () {
      const answer = yield* request("POST", LinkToken.signUnsubscribe(key, NotificationId.make(randomUUID())))
      assert.strictEqual(answer.status, 503)
      assert.notInclude(answer.text, "You are unsubscribed")
    }).pipe(
      Effect.provide(
        Server.layer({ secretsKey }, undefined, (storage) =>
          Layer.effect(
            Notifications,
            Effect.map(Notifications, (notifications) => ({
              ...notifications,
              unsubscribe: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
            }))
          ).pipe(Layer.provideMerge(storage))
        )
      )
    )
  )
})
