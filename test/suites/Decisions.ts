/**
 * The tests that every layer of `Decisions` must pass.
 *
 * @module
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Clock, Effect, type Layer, Schema } from "effect"
import { type Counts, reasons, type Subject } from "../../src/platform/http/Decision.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import type { Site } from "../../src/sites/Site.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { lastDays } from "../support/UtcDays.ts"

const Rejection = Schema.Struct({
  site: Schema.Literals([0, 1]),
  as: Schema.Literals(["known", "tracking-token", "website-config-id", "crossed", "unknown"]),
  reason: Schema.Literals(reasons)
})

const subjectOf = (site: Site, as: (typeof Rejection.Type)["as"]): Subject => {
  switch (as) {
    case "known":
      return { _tag: "Known", websiteConfigId: site.websiteConfigId }
    case "tracking-token":
      return { _tag: "Claimed", by: "tracking-token", id: site.trackingToken }
    case "website-config-id":
      return { _tag: "Claimed", by: "website-config-id", id: site.websiteConfigId }
    // A website config id that is claimed as a tracking token belongs to no website.
    case "crossed":
      return { _tag: "Claimed", by: "tracking-token", id: site.websiteConfigId }
    case "unknown":
      return { _tag: "Claimed", by: "website-config-id", id: "99999999-9999-4999-8999-999999999999" }
  }
}

/** Waits until the counts are as expected, because they are stored asynchronously. Fails after a minute. */
const assertEventually = <E>(read: Effect.Effect<Counts, E>, expected: Counts) =>
  Effect.gen(function* () {
    const deadline = performance.now() + 60_000
    while (true) {
      const counts = yield* read
      if (JSON.stringify(sorted(counts)) === JSON.stringify(sorted(expected)) || performance.now() > deadline) {
        return assert.deepStrictEqual(sorted(counts), sorted(expected))
      }
      yield* Effect.sleep("20 millis")
    }
  })

const sorted = (counts: Counts) => Object.fromEntries(Object.entries(counts).sort())

export const suite = <E>(name: string, layer: Layer.Layer<Decisions | SiteDirectory, E>) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "counts every rejection once, for its website and reason",
        { rejections: Schema.Array(Rejection).check(Schema.isMaxLength(30)) },
        ({ rejections }) =>
          Effect.gen(function* () {
            const decisions = yield* Decisions
            const directory = yield* SiteDirectory
            const sites = [
              yield* directory.create({ name: "a", origins: [] }),
              yield* directory.create({ name: "b", origins: [] })
            ]
            yield* Effect.forEach(
              rejections,
              ({ as, reason, site }) => decisions.record(subjectOf(sites[site]!, as), reason),
              { concurrency: "unbounded" }
            )
            const now = yield* Clock.currentTimeMillis
            for (const [index, site] of sites.entries()) {
              const expected: Record<string, number> = {}
              for (const { as, reason, site } of rejections) {
                if (site === index && as !== "crossed" && as !== "unknown")
                  expected[reason] = (expected[reason] ?? 0) + 1
              }
              yield* assertEventually(decisions.counts({ site, ...lastDays(1, now) }), expected)
            }
          }),
        { arbitrary: { runs: 8 } }
      )

      it.effect("the counts of a period include only its days", () =>
        Effect.gen(function* () {
          const decisions = yield* Decisions
          const site = yield* SiteDirectory.use(({ create }) => create({ name: "c", origins: [] }))
          yield* decisions.record({ _tag: "Known", websiteConfigId: site.websiteConfigId }, "bot")
          const now = yield* Clock.currentTimeMillis
          const day = 86_400_000
          yield* assertEventually(decisions.counts({ site, ...lastDays(1, now) }), { bot: 1 })
          yield* assertEventually(decisions.counts({ site, ...lastDays(3, now + 2 * day) }), { bot: 1 })
          yield* assertEventually(decisions.counts({ site, ...lastDays(2, now + 2 * day) }), {})
          yield* assertEventually(decisions.counts({ site, ...lastDays(2, now - day) }), {})
        })
      )
    })
  })
