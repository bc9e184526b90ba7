import { assert, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option } from "effect"
import { Caller } from "../../../../src/contract/owner/Authentication.ts"
import * as OwnerCredentials from "../../../../src/http/owner/access/OwnerCredentials.ts"
import * as MemoryCreationTurns from "../../../../src/memory/sites/CreationTurns.ts"
import { Invitations } from "../../../../src/services/mail/Invitations.ts"
import { Notifications } from "../../../../src/services/mail/Notifications.ts"
import { RateLimiter } from "../../../../src/services/RateLimiter.ts"
import { ConsoleSessions } from "../../../../src/services/sites/ConsoleSessions.ts"
import { OwnerKeys } from "../../../../src/services/sites/OwnerKeys.ts"
import { SiteDirectory } from "../../../../src/services/sites/SiteDirectory.ts"

it.effect("http/owner/access/OwnerCredentials: if the request ends while its link is mailed, no link remains", () =>
  Effect.gen(function* () {
    const links = new Set<string>()
    const isSending = yield* Deferred.make<void>()
    const services = Layer.mergeAll(
      Layer.mock(OwnerKeys, {}),
      Layer.mock(SiteDirectory, {}),
      Layer.mock(Notifications, { countInvitation: () => Effect.succeed({ _tag: "Accepted" }) }),
      MemoryCreationTurns.layer,
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
