/**
 * The tests that every layer of `WritableSites` must pass.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Effect, type Layer } from "effect"
import { SiteDirectory, WritableSites } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"

const create = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))

export const suite = <E>(name: string, layer: Layer.Layer<WritableSites | SiteDirectory | SiteErasure, E>) =>
  shared(layer, { excludeTestServices: true })(name, (it) => {
    it.effect("passes to the write only those of the given websites that exist", () =>
      Effect.gen(function* () {
        const { during } = yield* WritableSites
        const [one, two, erased] = [yield* create, yield* create, yield* create]
        yield* create
        yield* SiteErasure.use(({ erase }) => erase(erased.websiteConfigId))
        const ids = [one, two, erased].map(({ hostedWebsiteId }) => hostedWebsiteId)
        const found = yield* during(new Set([...ids, randomUUID(), "no id", ""]), Effect.succeed)
        assert.sameMembers([...found], ids.slice(0, 2))
        assert.deepStrictEqual([...(yield* during(new Set(), Effect.succeed))], [])
      })
    )

    it.effect("fails with the error of the write, and later writes succeed", () =>
      Effect.gen(function* () {
        const { during } = yield* WritableSites
        const { hostedWebsiteId } = yield* create
        const failed = during(new Set([hostedWebsiteId]), () => Effect.fail("the write's error" as const))
        assert.strictEqual(yield* Effect.flip(failed), "the write's error")
        assert.strictEqual(yield* during(new Set([hostedWebsiteId]), ({ size }) => Effect.succeed(size)), 1)
      })
    )
  })
