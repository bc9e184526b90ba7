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
import { InstanceId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Maximums from "../../src/sites/Maximums.ts"

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
  agent_url: Text,
  agent_protocol: Schema.Literals(protocols),
  agent_model: Schema.NullOr(Text),
  agent_key_env: Schema.NullOr(Text),
  agent_key: Schema.NullOr(Schema.Uint8Array),
  guarded: Schema.Boolean,
  agent_key_header: Schema.NullOr(Text),
  agent_body: Schema.NullOr(Additions),
  agent_headers: Schema.NullOr(Additions),
  memory: Schema.Literals(["edge", "agent"]),
  conversation_ids: Schema.Literals(["service", "client"]),
  instructions: Schema.NullOr(Text),
  history: Schema.Literals([1, 40, 1000]),
  history_characters: Schema.Literals([1, 60_000]),
  max_tokens: Schema.Literals([1, 4096]),
  daily_tokens: Schema.NullOr(Schema.Literals([1, 9_007_199_254_740_991])),
  contact: Schema.Literals(["failed", "always", "off"]),
  origins: Schema.Array(Text)
}

const Request = Schema.Struct(fields)

const Change = Request.mapFields(Struct.map(Schema.optionalKey))

/** @param newSite creates a website that instances can serve */
export const suite = <R, E>(
  name: string,
  layer: Layer.Layer<InstanceDirectory | R, E>,
  newSite: Effect.Effect<WebsiteConfigId, unknown, R>
) =>
  shared(layer)(name, (it) => {
    it.effect("an instance is read, changed, listed and deleted only by its own website and by the operator", () =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const [mine, other] = [yield* newSite, yield* newSite]
        const of = (website_config_id: WebsiteConfigId | null) =>
          instances.create({ name: "a", agent_url: "b", website_config_id })
        const [instance, others, unowned] = [yield* of(mine), yield* of(other), yield* of(null)]
        const rename = () => Result.succeed({ name: "changed" })
        for (const { instance_id } of [others, unowned]) {
          assert.isTrue(Option.isNone(yield* instances.read(mine, instance_id)))
          assert.isTrue(Option.isNone(yield* instances.modify(mine, instance_id, rename)))
          assert.isFalse(yield* instances.delete(mine, instance_id))
        }
        assert.deepStrictEqual(yield* instances.list(mine), [instance])
        assert.deepStrictEqual(yield* instances.list(other), [others])
        const changed = Option.some({ ...instance, name: "changed" })
        assert.deepStrictEqual(yield* instances.modify(mine, instance.instance_id, rename), changed)
        assert.deepStrictEqual(yield* instances.read(mine, instance.instance_id), changed)
        assert.deepStrictEqual(yield* instances.read("all", unowned.instance_id), Option.some(unowned))
        assert.isTrue(yield* instances.delete(mine, instance.instance_id))
        assert.isTrue(yield* instances.delete("all", others.instance_id))
      })
    )

    it.effect("a website gets no instance beyond the maximum, neither a new one nor one of another website", () =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const [full, other] = [yield* newSite, yield* newSite]
        const of = (website_config_id: WebsiteConfigId | null) =>
          instances.create({ name: "a", agent_url: "b", website_config_id })
        const own = yield* Effect.replicateEffect(of(full), Maximums.instances.max)
        const strangers = [yield* of(other), yield* of(null)]
        const toFull = { name: "changed", website_config_id: full }
        assert.strictEqual((yield* Effect.flip(of(full)))._tag, "LimitReached")
        for (const { instance_id } of strangers) {
          assert.strictEqual((yield* Effect.flip(instances.update(instance_id, toFull)))._tag, "LimitReached")
        }
        assert.deepStrictEqual(yield* instances.list(other), strangers.slice(0, 1))
        assert.isTrue(Option.isNone(yield* instances.update(InstanceId.make(randomUUID()), toFull)))
        const first = own[0]!
        const renamed = Option.some({ ...first, ...toFull })
        assert.deepStrictEqual(yield* instances.update(first.instance_id, toFull), renamed)
        yield* instances.update(first.instance_id, { website_config_id: other })
        assert.isTrue(Option.isSome(yield* instances.update(strangers[1]!.instance_id, toFull)))
      })
    )

    it.effect.prop("a created instance is found unchanged", [Request], ([request]) =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const instance = yield* instances.create(request)
        assert.deepStrictEqual(instance, { ...request, website_config_id: null, instance_id: instance.instance_id })
        assert.deepStrictEqual(yield* instances.find(instance.instance_id), Option.some(instance))
      })
    )

    it.effect.prop(
      "a change of an instance is visible within a second, and changes no other member and no other instance",
      [Request, Change],
      ([request, change]) =>
        Effect.gen(function* () {
          const instances = yield* InstanceDirectory
          const [instance, other] = [yield* instances.create(request), yield* instances.create(request)]
          assert.deepStrictEqual(yield* instances.find(instance.instance_id), Option.some(instance))
          const changed = Option.some({ ...instance, ...change })
          assert.deepStrictEqual(yield* instances.update(instance.instance_id, change), changed)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(yield* instances.find(instance.instance_id), changed)
          assert.deepStrictEqual(yield* instances.find(other.instance_id), Option.some(other))
        })
    )

    it.effect(
      "a change that depends on the stored instance sees every earlier one, and a refused one changes nothing",
      () =>
        Effect.gen(function* () {
          const instances = yield* InstanceDirectory
          const { instance_id: instanceId } = yield* instances.create({ name: "a", agent_url: "b", history: 1 })
          yield* Effect.all(
            Array.from({ length: 20 }, () =>
              instances.modify("all", instanceId, ({ history }) => Result.succeed({ history: history + 1 }))
            ),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(
            yield* Effect.flip(instances.modify("all", instanceId, () => Result.fail("refused"))),
            "refused"
          )
          const after = yield* instances.modify("all", instanceId, () => Result.succeed({}))
          assert.strictEqual(Option.getOrThrow(after).history, 21)
          for (const id of [InstanceId.make(randomUUID())]) {
            assert.isTrue(Option.isNone(yield* instances.modify("all", id, () => Result.succeed({ name: "b" }))))
          }
        })
    )

    it.effect("a deleted instance is not found after a second, and other instances are", () =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const request = { name: "a", agent_url: "b" }
        const [instance, other] = [yield* instances.create(request), yield* instances.create(request)]
        assert.isTrue(Option.isSome(yield* instances.find(instance.instance_id)))
        assert.isTrue(yield* instances.delete("all", instance.instance_id))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* instances.find(instance.instance_id)))
        assert.isFalse(
          (yield* instances.list("all")).some(({ instance_id: instanceId }) => instanceId === instance.instance_id)
        )
        assert.deepStrictEqual(yield* instances.find(other.instance_id), Option.some(other))
        for (const id of [instance.instance_id, InstanceId.make(randomUUID())]) {
          assert.isFalse(yield* instances.delete("all", id))
          assert.isTrue(Option.isNone(yield* instances.update(id, { name: "b" })))
        }
      })
    )

    it.effect("lists all instances, oldest first", () =>
      Effect.gen(function* () {
        const instances = yield* InstanceDirectory
        const before = (yield* instances.list("all")).length
        const created = []
        for (const name of ["first", "second", "third"]) {
          yield* TestClock.adjust(1)
          created.push(
            yield* instances.create({
              name,
              agent_url: "https://a.example",
              agent_model: null,
              agent_key_env: null,
              origins: []
            })
          )
        }
        assert.deepStrictEqual((yield* instances.list("all")).slice(before), created)
      })
    )
  })
