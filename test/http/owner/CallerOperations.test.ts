/**
 * The limits of searches and exports that one key or session runs at once.
 */
import { assert, describe, it, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { Caller } from "../../../src/contract/owner/Authentication.ts"
import * as CallerOperations from "../../../src/http/owner/CallerOperations.ts"
import { memoryStorage } from "../../../src/Stores.ts"
import { InstanceDirectory } from "../../../src/services/chat/InstanceDirectory.ts"
import { Transcripts } from "../../../src/services/chat/Transcripts.ts"
import { SiteDirectory } from "../../../src/services/sites/SiteDirectory.ts"
import { newCookie, send } from "../../support/OwnerRequests.ts"
import { TestServer, layer as testServer } from "../../support/TestServer.ts"

describe("http/owner/CallerOperations", () => {
  it.effect("a caller runs two searches and one export at once, and other callers are not affected", () =>
    Effect.gen(function* () {
      const operations = yield* CallerOperations.CallerOperations
      const begin = (id: string, kind: CallerOperations.Kind) =>
        Effect.gen(function* () {
          const scope = yield* Scope.make()
          const isValid = Effect.succeed(true)
          const caller = { id, scope: "read", sites: "all", session: null, expiresAt: null, isValid } as const
          yield* operations.begin(kind).pipe(Effect.provideService(Caller, caller), Scope.provide(scope))
          return scope
        })
      for (const [kind, count] of [
        ["search", 2],
        ["export", 1]
      ] as const) {
        const scopes = yield* Effect.forEach(Array.from({ length: count }), () => begin("a", kind))
        const refusal = yield* Effect.flip(begin("a", kind))
        assert.strictEqual(refusal._tag, "TooManyRequests")
        assert.isAbove(refusal.headers["retry-after"] ?? 0, 0)
        yield* begin("b", kind)
        yield* Scope.close(scopes[0]!, Exit.void)
        yield* begin("a", kind)
        assert.strictEqual((yield* Effect.flip(begin("a", kind)))._tag, "TooManyRequests")
      }
    }).pipe(Effect.provide(CallerOperations.layer))
  )
})

const canEnd = Deferred.makeUnsafe<void>()
const bothRun = Deferred.makeUnsafe<void>()
let searches = 0

/** Transcripts whose `list` does not return before `canEnd`. */
const slow = Layer.effect(
  Transcripts,
  Effect.map(Transcripts, (transcripts) => ({
    ...transcripts,
    list: () =>
      Effect.gen(function* () {
        if (++searches === 2) yield* Deferred.succeed(bothRun, undefined)
        yield* Deferred.await(canEnd)
        return { items: [], next: null }
      })
  }))
).pipe(Layer.provideMerge(memoryStorage))

layer(testServer({}, undefined, undefined, slow), { excludeTestServices: true })("searches over HTTP", (it) => {
  it.effect(
    "a third search of a session gets a 429 with Retry-After until another ends, and successive exports succeed",
    () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const site = yield* SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] })).pipe(Effect.orDie)
        const { websiteConfigId } = site
        const { instanceId } = yield* InstanceDirectory.use((instances) =>
          instances.create({ name: "Bot", agentUrl: "http://agent", websiteConfigId })
        ).pipe(Effect.orDie)
        const cookie = yield* newCookie("owner", [websiteConfigId])
        const get = (path: string) =>
          send(url, `/v1/owner/sites/${websiteConfigId}/instances/${instanceId}/${path}`, { cookie })
        const search = get("conversations?search=a")
        const running = yield* Effect.forkChild(Effect.all([search, search], { concurrency: 2 }))
        yield* Deferred.await(bothRun)
        const refused = yield* search
        assert.strictEqual(refused.status, 429)
        assert.strictEqual(refused.headers.get("retry-after"), "1")
        yield* Deferred.succeed(canEnd, undefined)
        const answers = yield* Fiber.join(running)
        assert.deepStrictEqual(
          answers.map(({ status }) => status),
          [200, 200]
        )
        assert.strictEqual((yield* search).status, 200)
        for (const _ of [1, 2, 3]) assert.strictEqual((yield* get("export")).status, 200)
      })
  )
})
