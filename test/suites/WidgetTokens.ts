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
import { format, positionOf } from "../../src/chat/WidgetToken.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import * as Id from "../../src/platform/Id.ts"
import * as Calendar from "../../src/platform/text/Calendar.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import { everyToken } from "../support/Lists.ts"

const newInstance = Effect.flatMap(InstanceDirectory, (instances) =>
  instances.create({
    name: "a",
    agent_url: "https://a.example",
    agent_model: "m",
    agent_key_env: null,
    origins: ["https://o.example"]
  })
)

/** Issues a token of an existing instance. */
const issue = (instance: Instance, expiresAt: number | null = null, label: string | null = null) =>
  Effect.flatMap(WidgetTokens, (tokens) =>
    tokens.issue({ reach: "all", instanceId: instance.instance_id, label, expiresAt })
  ).pipe(Effect.flatMap(Effect.fromOption))

const isAuthenticated = (instance: Instance, token: string) =>
  Effect.flatMap(WidgetTokens, (tokens) => tokens.authenticate(instance.instance_id, token)).pipe(
    Effect.map(Option.isSome)
  )

export const suite = <E>(name: string, layer: Layer.Layer<WidgetTokens | InstanceDirectory, E>) =>
  shared(layer)(name, (it) => {
    it.effect("a token authenticates for its own instance only", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const [one, other] = [yield* newInstance, yield* newInstance]
        const { token } = yield* issue(one)
        assert.deepStrictEqual(yield* tokens.authenticate(one.instance_id, token), Option.some(one))
        assert.deepStrictEqual(yield* tokens.authenticate(one.instance_id, token), Option.some(one))
        assert.isFalse(yield* isAuthenticated(other, token))
        assert.isTrue(Option.isNone(yield* tokens.authenticate(randomUUID(), token)))
        assert.isTrue(Option.isNone(yield* tokens.authenticate("no instance", token)))
      })
    )

    it.effect("an instance has at most 100 unrevoked tokens, also if they are issued concurrently", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const [instance, other] = [yield* newInstance, yield* newInstance]
        const attempt = Effect.result(
          tokens.issue({ reach: "all", instanceId: instance.instance_id, label: null, expiresAt: null })
        )
        const attempts = Array.from({ length: Maximums.tokens.max + 3 }, () => attempt)
        const outcomes = yield* Effect.all(attempts, { concurrency: 8 })
        assert.deepStrictEqual(
          outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : [])),
          ["LimitReached", "LimitReached", "LimitReached"]
        )
        yield* issue(other)
        const [first] = yield* tokens.list(everyToken(instance.instance_id))
        assert.isTrue(
          yield* tokens.revoke({ reach: "all", instanceId: instance.instance_id, tokenId: first!.token_id })
        )
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
        assert.isTrue(yield* tokens.revoke({ reach: "all", tokenId: one.token_id, instanceId: null }))
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* isAuthenticated(instance, one.token))
        assert.isTrue(yield* isAuthenticated(instance, other.token))
      })
    )

    it.effect("a second revocation has no effect, and an unknown token cannot be revoked", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const instance = yield* newInstance
        const { token_id: tokenId } = yield* issue(instance)
        assert.isTrue(yield* tokens.revoke({ reach: "all", tokenId, instanceId: null }))
        const revoked = yield* tokens.list(everyToken(instance.instance_id))
        assert.strictEqual(revoked[0]?.revoked_at, Calendar.iso(yield* Clock.currentTimeMillis))
        yield* TestClock.adjust(5000)
        assert.isTrue(yield* tokens.revoke({ reach: "all", tokenId, instanceId: null }))
        assert.deepStrictEqual(yield* tokens.list(everyToken(instance.instance_id)), revoked)
        const unknown = Id.TokenId.make(randomUUID())
        assert.isFalse(yield* tokens.revoke({ reach: "all", tokenId: unknown, instanceId: null }))
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
        assert.deepStrictEqual(
          [first.expires_at, first.label, second.label],
          [Calendar.iso(expiresAt), 'Ünï\'s "label"', null]
        )
        assert.strictEqual(second.created_at, Calendar.iso(Date.parse(first.created_at) + 1))
        assert.deepStrictEqual(yield* tokens.list(everyToken(one.instance_id)), [first, second])
        assert.deepStrictEqual(
          yield* tokens.list({
            ...everyToken(one.instance_id),
            after: positionOf(first)
          }),
          [second]
        )
        assert.deepStrictEqual(yield* tokens.list({ ...everyToken(one.instance_id), limit: 1 }), [first])
        assert.isFalse(yield* tokens.revoke({ reach: "all", tokenId: first.token_id, instanceId: other.instance_id }))
        assert.isTrue(yield* tokens.revoke({ reach: "all", tokenId: first.token_id, instanceId: one.instance_id }))
        assert.deepStrictEqual(
          (yield* tokens.list(everyToken(one.instance_id))).map(({ token }) => token),
          [null, second.token]
        )
        assert.deepStrictEqual(yield* tokens.list({ ...everyToken(one.instance_id), unrevoked: true }), [second])
        assert.deepStrictEqual(yield* tokens.list(everyToken(Id.InstanceId.make(randomUUID()))), [])
      })
    )

    it.effect("deleting an instance deletes its tokens, and no other tokens", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const [deleted, other] = [yield* newInstance, yield* newInstance]
        const [ended, valid] = [yield* issue(deleted), yield* issue(other)]
        assert.isTrue(yield* isAuthenticated(deleted, ended.token))
        yield* InstanceDirectory.use((instances) => instances.delete("all", deleted.instance_id))
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* isAuthenticated(deleted, ended.token))
        assert.deepStrictEqual(yield* tokens.list(everyToken(deleted.instance_id)), [])
        assert.isFalse(yield* tokens.revoke({ reach: "all", tokenId: ended.token_id, instanceId: null }))
        assert.isTrue(yield* isAuthenticated(other, valid.token))
      })
    )

    it.effect("a token authenticates for the changed instance within a second of the change", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const instance = yield* newInstance
        const { token } = yield* issue(instance)
        assert.deepStrictEqual(yield* tokens.authenticate(instance.instance_id, token), Option.some(instance))
        const change = { agent_url: "https://b.example", origins: ["https://p.example"] }
        yield* InstanceDirectory.use((instances) => instances.update(instance.instance_id, change))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          yield* tokens.authenticate(instance.instance_id, token),
          Option.some({ ...instance, ...change })
        )
      })
    )

    it.effect("issues no token for an unknown instance", () =>
      Effect.gen(function* () {
        const tokens = yield* WidgetTokens
        const instanceId = Id.InstanceId.make(randomUUID())
        assert.isTrue(Option.isNone(yield* tokens.issue({ reach: "all", instanceId, label: null, expiresAt: null })))
      })
    )
  })
