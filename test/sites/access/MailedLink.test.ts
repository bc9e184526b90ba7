import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { SessionId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import { RateLimiter } from "../../../src/platform/limits/RateLimit.ts"
import { LimitReached } from "../../../src/platform/Storage.ts"
import { type ConsoleSession, ConsoleSessions } from "../../../src/sites/access/ConsoleSession.ts"
import * as MailedLink from "../../../src/sites/access/MailedLink.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { id } from "../../support/Ids.ts"

const sessionOf = (request: Parameters<ConsoleSessions["Service"]["createLink"]>[0]): ConsoleSession => ({
  session_id: id(SessionId, "a"),
  person: null,
  roles: [{ role: request.role, sites: request.sites }],
  email: request.email ?? null,
  device: null,
  label: request.label,
  created_at: "2026-11-30T00:00:00.000Z",
  opened_at: null,
  last_used_at: null,
  ends_at: "2026-12-01T00:00:00.000Z",
  created_by: null
})

it.effect("sites/access/MailedLink: if the request ends while its link is mailed, no link remains", () =>
  Effect.gen(function* () {
    const links = new Set<string>()
    const isSending = yield* Deferred.make<void>()
    const services = Layer.mergeAll(
      Layer.mock(SiteDirectory, {}),
      Layer.succeed(RateLimiter, {
        take: () => Effect.succeed({ accepted: true, remaining: 1, resetMillis: 0 })
      }),
      Layer.mock(ConsoleSessions, {
        createLink: (request) =>
          Effect.sync(() => {
            links.add(id(SessionId, "a"))
            return Option.some({
              link: "link",
              session: sessionOf(request)
            })
          }),
        revoke: (sessionId) =>
          Effect.sync(() => {
            links.delete(sessionId)
            return Option.some({ sessions: 0, keys: 0 })
          })
      }),
      Layer.succeed(MailedLink.Invitations, {
        mail: Option.some({
          origin: "https://edge.example",
          count: () => Effect.succeed({ _tag: "Accepted" as const }),
          sendLogin: () => Effect.never,
          send: () => Effect.andThen(Deferred.succeed(isSending, undefined), Effect.never)
        })
      })
    )
    const request = Effect.flatMap(MailedLink.make, ({ create }) =>
      create({ role: "viewer", sites: "all", label: null, linkExpiresAt: 1 }, "ada@example.org")
    ).pipe(Effect.provide(services))
    const fiber = yield* Effect.forkChild(request)
    yield* Deferred.await(isSending)
    assert.strictEqual(links.size, 1)
    yield* Fiber.interrupt(fiber)
    assert.strictEqual(links.size, 0)
  })
)

it.effect(
  "sites/access/MailedLink: an invitation counts only if there is room for its link, and a refused one leaves no link",
  () =>
    Effect.gen(function* () {
      const steps: Array<string> = []
      const step = (name: string) => Effect.sync(() => void steps.push(name))
      let isFull = false
      const services = Layer.mergeAll(
        Layer.mock(SiteDirectory, { byWebsiteConfigId: () => Effect.succeedNone }),
        Layer.succeed(RateLimiter, {
          take: () => Effect.as(step("take"), { accepted: true, remaining: 1, resetMillis: 0 })
        }),
        Layer.mock(ConsoleSessions, {
          createLink: (request) =>
            isFull
              ? Effect.fail(new LimitReached({ maximum: Maximums.sessions }))
              : Effect.as(
                  step("create"),
                  Option.some({
                    link: "link",
                    session: sessionOf(request)
                  })
                ),
          revoke: () => Effect.as(step("revoke"), Option.some({ sessions: 0, keys: 0 }))
        }),
        Layer.succeed(MailedLink.Invitations, {
          mail: Option.some({
            origin: "https://edge.example",
            count: () => Effect.as(step("count"), { _tag: "Unsubscribed" as const }),
            sendLogin: () => Effect.never,
            send: () => Effect.never
          })
        })
      )
      const invite = Effect.flatMap(MailedLink.make, ({ create }) =>
        create({ role: "viewer", sites: [id(WebsiteConfigId, "a")], label: null, linkExpiresAt: 1 }, "ada@example.org")
      ).pipe(Effect.provide(services), Effect.flip)
      assert.deepStrictEqual(yield* invite, new MailedLink.NotMailed({ reason: { _tag: "Unsubscribed" } }))
      assert.deepStrictEqual(steps, ["create", "take", "count", "revoke"])
      steps.length = 0
      isFull = true
      assert.strictEqual((yield* invite)._tag, "LimitReached")
      assert.deepStrictEqual(steps, [])
    })
)
