/**
 * The tests that every layer of `InstanceDirectory` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option, Result, Schema, Struct } from "effect"
import { TestClock } from "effect/testing"
import { protocols } from "../../src/chat/Instance.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"

const Text = Schema.Literals([
  "",
  "NULL",
  "{,}",
  'a"b\\c',
  "it's",
  "Ünïcode 日本",
  "https://agent.example.com:8443/base"
])

const Additions = Schema.Struct({ names: Schema.Array(Text), sealed: Schema.Uint8Array })

const fields = {
  name: Text,
  agentUrl: Text,
  agentProtocol: Schema.Literals(protocols),
  agentModel: Schema.NullOr(Text),
  agentKeyEnv: Schema.NullOr(Text),
  agentKey: Schema.NullOr(Schema.Uint8Array),
  isGuarded: Schema.Boolean,
  agentKeyHeader: Schema.NullOr(Text),
  agentBody: Schema.NullOr(Additions),
  agentHeaders: Schema.NullOr(Additions),
  memory: Schema.Literals(["edge", "agent"]),
  conversationIds: Schema.Literals(["service", "client"]),
  instructions: Schema.NullOr(Text),
  historyMessages: Schema.Literals([1, 40, 1000]),
  historyCharacters: Schema.Literals([1, 60_000]),
  maxTokens: Schema.Literals([1, 4096]),
  dailyTokens: Schema.NullOr(Schema.Literals([1, 9_007_199_254_740_991])),
  origins: Schema.Array(Text)
}

const Request = Schema.Struct(fields)

const Change = Request.mapFields(Struct.map(Schema.optionalKey))

export const suite = <E>(name: string, layer: Layer.Layer<InstanceDirectory, E>) =>
  shared(layer)(name, (it) => {
    it.effect.prop("a created instance is found unchanged", [Request], ([request]) =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const instance = yield* instances.create(request)
        assert.deepStrictEqual(instance, { ...request, websiteConfigId: null, instanceId: instance.instanceId })
        assert.deepStrictEqual(yield* instances.find(instance.instanceId), Option.some(instance))
      })
    )

    it.effect.prop(
      "a text that is not the id of an instance finds none and causes no error",
      [Schema.String],
      ([text]) =>
        Effect.gen(function* () {
          const instances = yield* InstanceDirectory
          for (const id of [text, randomUUID(), text + randomUUID()]) {
            assert.isTrue(Option.isNone(yield* instances.find(id)))
          }
        })
    )

    it.effect.prop(
      "a change of an instance is visible within a second, and changes no other member and no other instance",
      [Request, Change],
      ([request, change]) =>
        Effect.gen(function* () {
          const instances = yield* InstanceDirectory
          const [instance, other] = [yield* instances.create(request), yield* instances.create(request)]
          assert.deepStrictEqual(yield* instances.find(instance.instanceId), Option.some(instance))
          const changed = Option.some({ ...instance, ...change })
          assert.deepStrictEqual(yield* instances.update(instance.instanceId, change), changed)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* instances.find(instance.instanceId), changed)
          assert.deepStrictEqual(yield* instances.find(other.instanceId), Option.some(other))
        })
    )

    it.effect(
      "a change that depends on the stored instance sees every earlier one, and a refused one changes nothing",
      () =>
        Effect.gen(function* () {
          const instances = yield* InstanceDirectory
          const { instanceId } = yield* instances.create({ name: "a", agentUrl: "b", historyMessages: 1 })
          yield* Effect.all(
            Array.from({ length: 20 }, () =>
              instances.modify(instanceId, ({ historyMessages }) =>
                Result.succeed({ historyMessages: historyMessages + 1 })
              )
            ),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(yield* Effect.flip(instances.modify(instanceId, () => Result.fail("refused"))), "refused")
          const after = yield* instances.modify(instanceId, () => Result.succeed({}))
          assert.strictEqual(Option.getOrThrow(after).historyMessages, 21)
          for (const id of [randomUUID(), "x"]) {
            assert.isTrue(Option.isNone(yield* instances.modify(id, () => Result.succeed({ name: "b" }))))
          }
        })
    )

    it.effect("a deleted instance is not found after a second, and other instances are", () =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const request = { name: "a", agentUrl: "b", agentModel: null, agentKeyEnv: null, origins: [] }
        const [instance, other] = [yield* instances.create(request), yield* instances.create(request)]
        assert.isTrue(Option.isSome(yield* instances.find(instance.instanceId)))
        assert.isTrue(yield* instances.delete(instance.instanceId))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* instances.find(instance.instanceId)))
        assert.isFalse((yield* instances.list).some(({ instanceId }) => instanceId === instance.instanceId))
        assert.deepStrictEqual(yield* instances.find(other.instanceId), Option.some(other))
        for (const id of [instance.instanceId, randomUUID(), "x"]) {
          assert.isFalse(yield* instances.delete(id))
          assert.isTrue(Option.isNone(yield* instances.update(id, { name: "b" })))
        }
      })
    )

    it.effect("lists all instances, oldest first", () =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const before = (yield* instances.list).length
        const created = []
        for (const name of ["first", "second", "third"]) {
          yield* TestClock.adjust(1)
          created.push(
            yield* instances.create({
              name,
              agentUrl: "https://a.example",
              agentModel: null,
              agentKeyEnv: null,
              origins: []
            })
          )
        }
        assert.deepStrictEqual((yield* instances.list).slice(before), created)
      })
    )
  })
