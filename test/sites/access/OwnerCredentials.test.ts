import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { Invitations } from "../../../src/delivery/mail/Invitations.ts"
import { Notifications } from "../../../src/delivery/mail/Notifications.ts"
import { RateLimiter } from "../../../src/platform/limits/RateLimiter.ts"
import { Caller } from "../../../src/sites/access/AuthenticationApi.ts"
import type { ConsoleSession } from "../../../src/sites/access/ConsoleSession.ts"
import { ConsoleSessions } from "../../../src/sites/access/ConsoleSessions.ts"
import { CreationTurns } from "../../../src/sites/access/CreationTurns.ts"
import * as OwnerCredentials from "../../../src/sites/access/OwnerCredentials.ts"
import { OwnerKeys } from "../../../src/sites/access/OwnerKeys.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"

it.effect("sites/access/OwnerCredentials: if the request ends while its link is mailed, no link remains", () =>
  Effect.gen(function* () {
    const links = new Set<string>()
    const isSending = yield* Deferred.make<void>()
    const services = Layer.mergeAll(
      Layer.mock(OwnerKeys, {}),
      Layer.mock(SiteDirectory, {}),
      Layer.mock(Notifications, { countInvitation: () => Effect.succeed({ _tag: "Accepted" }) }),
      Layer.succeed(CreationTurns, { inTurn: () => (creation) => creation }),
      Layer.succeed(RateLimiter, {
        take: () => Effect.succeed({ accepted: true, remaining: 1, resetMillis: 0 })
      }),
      Layer.mock(ConsoleSessions, {
        list: () => Effect.succeed([]),
        createLink: (request) =>
          Effect.sync(() => {
            links.add("a")
            return Option.some({
              link: "link",
              session: { ...request, sessionId: "a", createdAt: 0, createdBy: null, use: null }
            })
          }),
        revoke: (sessionId) =>
          Effect.sync(() => {
            links.delete(sessionId)
            return Option.some({ sessions: 0, keys: 0 })
          })
      }),
      Layer.succeed(Invitations, {
        mail: Option.some({
          origin: "https://edge.example",
          send: () => Effect.andThen(Deferred.succeed(isSending, undefined), Effect.never)
        })
      })
    )
    const request = OwnerCredentials.OwnerCredentials.use(({ createLink }) =>
      createLink({ role: "viewer", sites: "all", label: null, linkExpiresAt: 1 }, "ada@example.org")
    ).pipe(
      Effect.provideService(Caller, {
        id: "b",
        scope: "write",
        sites: "all",
        expiresAt: null,
        session: null,
        isValid: Effect.succeed(true)
      }),
      Effect.provide(Layer.provide(OwnerCredentials.layer, services))
    )
    const fiber = yield* Effect.forkChild(request)
    yield* Deferred.await(isSending)
    assert.strictEqual(links.size, 1)
    yield* Fiber.interrupt(fiber)
    assert.strictEqual(links.size, 0)
  })
)

it.effect(
  "sites/access/OwnerCredentials: an invitation is counted before its link's turn, and only if there is room",
  () =>
    Effect.gen(function* () {
      const steps: Array<string> = []
      const step = (name: string) => Effect.sync(() => void steps.push(name))
      let existing: ReadonlyArray<ConsoleSession> = []
      const services = Layer.mergeAll(
        Layer.mock(OwnerKeys, {}),
        Layer.mock(SiteDirectory, { byWebsiteConfigId: () => Effect.succeedNone }),
        Layer.mock(Notifications, {
          countInvitation: () => Effect.as(step("count"), { _tag: "Accepted" as const })
        }),
        Layer.succeed(CreationTurns, {
          inTurn: () => (creation) => Effect.andThen(step("turn"), Effect.ensuring(creation, step("end of the turn")))
        }),
        Layer.succeed(RateLimiter, {
          take: () => Effect.as(step("take"), { accepted: true, remaining: 1, resetMillis: 0 })
        }),
        Layer.mock(ConsoleSessions, {
          list: () => Effect.sync(() => existing),
          createLink: () => Effect.as(step("create"), Option.none())
        }),
        Layer.succeed(Invitations, { mail: Option.some({ origin: "https://edge.example", send: () => Effect.never }) })
      )
      const invite = OwnerCredentials.OwnerCredentials.use(({ createLink }) =>
        createLink({ role: "viewer", sites: ["a"], label: null, linkExpiresAt: 1 }, "ada@example.org")
      ).pipe(
        Effect.provideService(Caller, {
          id: "b",
          scope: "write",
          sites: ["a"],
          expiresAt: null,
          session: null,
          isValid: Effect.succeed(true)
        }),
        Effect.provide(Layer.provide(OwnerCredentials.layer, services)),
        Effect.flip
      )
      yield* invite
      assert.deepStrictEqual(steps, ["take", "count", "turn", "create", "end of the turn"])
      steps.length = 0
      const session = {
        role: "viewer",
        sites: ["a"],
        label: null,
        linkExpiresAt: 1,
        createdAt: 0,
        createdBy: null,
        use: null
      } as const
      existing = Array.from({ length: Maximums.sessions.max }, (_, index) => ({ ...session, sessionId: String(index) }))
      assert.strictEqual((yield* invite)._tag, "LimitReached")
      assert.deepStrictEqual(steps, [])
    })
)
