/**
 * What every directory of instances keeps, as a suite that runs on any layer.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { InstanceDirectory } from "../../src/services/InstanceDirectory.ts"

const Text = Schema.Literals([
  "",
  "NULL",
  "{,}",
  'a"b\\c',
  "it's",
  "Ünïcode 日本",
  "https://agent.example.com:8443/base"
])

const Request = Schema.Struct({
  name: Text,
  agentUrl: Text,
  agentModel: Schema.NullOr(Text),
  agentKeyEnv: Schema.NullOr(Text),
  origins: Schema.Array(Text)
})

export const suite = <E>(name: string, layer: Layer.Layer<InstanceDirectory, E>) =>
  shared(layer)(name, (it) => {
    it.effect.prop("an instance is found as it was created", [Request], ([request]) =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const instance = yield* instances.create(request)
        assert.deepStrictEqual(instance, { ...request, instanceId: instance.instanceId })
        assert.deepStrictEqual(yield* instances.find(instance.instanceId), Option.some(instance))
      })
    )

    it.effect.prop("any other text stands for no instance, and fails nothing", [Schema.String], ([text]) =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        for (const id of [text, randomUUID(), text + randomUUID()]) {
          assert.isTrue(Option.isNone(yield* instances.find(id)))
        }
      })
    )

    it.effect.prop("an instance moves to another address and stays itself", [Request, Text], ([request, agentUrl]) =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const instance = yield* instances.create(request)
        assert.isTrue(yield* instances.relocate(instance.instanceId, agentUrl))
        // What was found before may be remembered for less than a second.
        yield* TestClock.adjust(1000)
        assert.deepStrictEqual(yield* instances.find(instance.instanceId), Option.some({ ...instance, agentUrl }))
        assert.isFalse(yield* instances.relocate(randomUUID(), agentUrl))
        assert.isFalse(yield* instances.relocate("x", agentUrl))
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
