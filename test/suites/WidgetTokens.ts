/**
 * The tests that every layer of `WidgetTokens` must pass.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import type { Instance } from "../../src/chat/Instance.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { format } from "../../src/chat/WidgetToken.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import { everyToken } from "../support/Lists.ts"

const newInstance = Effect.flatMap(InstanceDirectory, (instances) =>
  instances.create({
    name: "a",
    agentUrl: "https://a.example",
    agentModel: "m",
    agentKeyEnv: null,
    origins: ["https://o.example"]
  })
)

/** Issues a token of an existing instance. */
const issue = (instance: Instance, expiresAt: number | null = null, label: string | null = null) =>
  Effect.flatMap(WidgetTokens, (tokens) => tokens.issue({ instanceId: instance.instanceId, label, expiresAt })).pipe(
    Effect.flatMap(Effect.fromOption)
  )

const isAuthenticated = (instance: Instance, token: string) =>
  Effect.flatMap(WidgetTokens, (tokens) => tokens.authenticate(instance.instanceId, token)).pipe(
    Effect.map(Option.isSome)
  )

export const suite = <E>(name: string, layer: Layer.Layer<WidgetTokens | InstanceDirectory, E>) =>
  shared(layer)(name, (it) => {
    it.effect("a token authenticates for its own instance only", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const [one, other] = [yield* newInstance, yield* newInstance]
        const { token } = yield* issue(one)
        assert.deepStrictEqual(yield* tokens.authenticate(one.instanceId, token), Option.some(one))
        assert.deepStrictEqual(yield* tokens.authenticate(one.instanceId, token), Option.some(one))
        assert.isFalse(yield* isAuthenticated(other, token))
        assert.isTrue(Option.isNone(yield* tokens.authenticate(randomUUID(), token)))
        assert.isTrue(Option.isNone(yield* tokens.authenticate("no instance", token)))
      })
    )

    it.effect("an instance has at most 100 unrevoked tokens, also if they are issued concurrently", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const [instance, other] = [yield* newInstance, yield* newInstance]
        const attempt = Effect.result(tokens.issue({ instanceId: instance.instanceId, label: null, expiresAt: null }))
        const attempts = Array.from({ length: Maximums.tokens.max + 3 }, () => attempt)
        const outcomes = yield* Effect.all(attempts, { concurrency: 8 })
        assert.deepStrictEqual(
          outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : [])),
          ["LimitReached", "LimitReached", "LimitReached"]
        )
        yield* issue(other)
        const [first] = yield* tokens.list(everyToken(instance.instanceId))
        assert.isTrue(yield* tokens.revoke({ instanceId: instance.instanceId, tokenId: first?.tokenId ?? "" }))
        yield* issue(instance)
      })
    )

    it.effect.prop("every other text does not authenticate, and causes no error", [Schema.String], ([text]) =>
      Effect.gen(function* () {
        const instance = yield* newInstance
        const { token } = yield* issue(instance)
        for (const wrong of [
          text,
          `x${text}${token}`,
          `${token}${text}x`,
          format(randomBytes(32)),
          token.toUpperCase()
        ]) {
          assert.isFalse(yield* isAuthenticated(instance, wrong))
        }
      })
    )

    it.effect("a token expires at its exact time, also if it was used before", () =>
      Effect.gen(function* () {
        const instance = yield* newInstance
        const now = yield* Clock.currentTimeMillis
        const { token } = yield* issue(instance, now + 10_000)
        assert.isTrue(yield* isAuthenticated(instance, token))
        yield* TestClock.adjust(9999)
        assert.isTrue(yield* isAuthenticated(instance, token))
        yield* TestClock.adjust(1)
        assert.isFalse(yield* isAuthenticated(instance, token))
      })
    )

    it.effect("a revoked token is invalid within a second, and other tokens stay valid", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const instance = yield* newInstance
        const [one, other] = [yield* issue(instance), yield* issue(instance)]
        assert.isTrue(yield* isAuthenticated(instance, one.token))
        assert.isTrue(yield* tokens.revoke({ tokenId: one.tokenId, instanceId: null }))
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* isAuthenticated(instance, one.token))
        assert.isTrue(yield* isAuthenticated(instance, other.token))
      })
    )

    it.effect("a second revocation has no effect, and an unknown token cannot be revoked", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const instance = yield* newInstance
        const { tokenId } = yield* issue(instance)
        assert.isTrue(yield* tokens.revoke({ tokenId, instanceId: null }))
        const revoked = yield* tokens.list(everyToken(instance.instanceId))
        assert.strictEqual(revoked[0]?.revokedAt, yield* Clock.currentTimeMillis)
        yield* TestClock.adjust(5000)
        assert.isTrue(yield* tokens.revoke({ tokenId, instanceId: null }))
        assert.deepStrictEqual(yield* tokens.list(everyToken(instance.instanceId)), revoked)
        assert.isFalse(yield* tokens.revoke({ tokenId: randomUUID(), instanceId: null }))
        assert.isFalse(yield* tokens.revoke({ tokenId: "no token", instanceId: null }))
      })
    )

    it.effect("lists an instance's tokens, oldest first, with their texts until they are revoked", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const [one, other] = [yield* newInstance, yield* newInstance]
        const expiresAt = 4_102_444_800_123
        const first = yield* issue(one, expiresAt, 'Ünï\'s "label"')
        yield* TestClock.adjust(1)
        yield* issue(other)
        const second = yield* issue(one)
        assert.deepStrictEqual([first.expiresAt, first.label, second.label], [expiresAt, 'Ünï\'s "label"', null])
        assert.strictEqual(second.createdAt, first.createdAt + 1)
        assert.deepStrictEqual(yield* tokens.list(everyToken(one.instanceId)), [first, second])
        assert.deepStrictEqual(
          yield* tokens.list({
            ...everyToken(one.instanceId),
            after: { time: first.createdAt, id: first.tokenId }
          }),
          [second]
        )
        assert.deepStrictEqual(yield* tokens.list({ ...everyToken(one.instanceId), limit: 1 }), [first])
        assert.isFalse(yield* tokens.revoke({ tokenId: first.tokenId, instanceId: other.instanceId }))
        assert.isTrue(yield* tokens.revoke({ tokenId: first.tokenId, instanceId: one.instanceId }))
        assert.deepStrictEqual(
          (yield* tokens.list(everyToken(one.instanceId))).map(({ token }) => token),
          [null, second.token]
        )
        assert.deepStrictEqual(yield* tokens.list({ ...everyToken(one.instanceId), unrevoked: true }), [second])
        assert.deepStrictEqual(yield* tokens.list(everyToken(randomUUID())), [])
        assert.deepStrictEqual(yield* tokens.list(everyToken("no instance")), [])
      })
    )

    it.effect("deleting an instance deletes its tokens, and no other tokens", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const [deleted, other] = [yield* newInstance, yield* newInstance]
        const [ended, valid] = [yield* issue(deleted), yield* issue(other)]
        assert.isTrue(yield* isAuthenticated(deleted, ended.token))
        yield* InstanceDirectory.use((instances) => instances.delete(deleted.instanceId))
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* isAuthenticated(deleted, ended.token))
        assert.deepStrictEqual(yield* tokens.list(everyToken(deleted.instanceId)), [])
        assert.isFalse(yield* tokens.revoke({ tokenId: ended.tokenId, instanceId: null }))
        assert.isTrue(yield* isAuthenticated(other, valid.token))
      })
    )

    it.effect("a token authenticates for the changed instance within a second of the change", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const instance = yield* newInstance
        const { token } = yield* issue(instance)
        assert.deepStrictEqual(yield* tokens.authenticate(instance.instanceId, token), Option.some(instance))
        const change = { agentUrl: "https://b.example", origins: ["https://p.example"] }
        yield* InstanceDirectory.use((instances) => instances.update(instance.instanceId, change))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          yield* tokens.authenticate(instance.instanceId, token),
          Option.some({ ...instance, ...change })
        )
      })
    )

    it.effect("issues no token for an unknown instance", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        for (const instanceId of [randomUUID(), "no instance"]) {
          assert.isTrue(Option.isNone(yield* tokens.issue({ instanceId, label: null, expiresAt: null })))
        }
      })
    )
  })
