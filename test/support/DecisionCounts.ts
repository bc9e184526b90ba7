/**
 * Records rejections of a website's requests, and reads their counts. The service stores them in the background, so a test that reads
 * them at once may find none.
 *
 * @module
 */
import { assert } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { type Counts, nothingRefused, type Reason } from "../../src/platform/http/Decision.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import type { Site } from "../../src/sites/Site.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { lastDays } from "./UtcDays.ts"
import { until } from "./Wait.ts"

/** What is refused in entries whose tests do not depend on it. */
export const anything = { refused: nothingRefused, firstAt: 0, lastAt: 0 }

type CountedSite = Pick<Site, "websiteConfigId" | "trackingToken">

/** The rejections of a website in the last two days, as far as they are stored. */
const storedCounts = Effect.fnUntraced(function* (site: CountedSite) {
  const { counts } = yield* Decisions
  return yield* counts({ site, ...lastDays(2, yield* Clock.currentTimeMillis) })
})

/** Records rejections of a website that has none for these reasons, and waits until they are stored. */
export const record = Effect.fnUntraced(function* (site: CountedSite, rejections: Counts) {
  const { record } = yield* Decisions
  const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
  const expected = Object.entries(rejections) as ReadonlyArray<[Reason, number]>
  for (const [reason, times] of expected) yield* Effect.replicateEffect(record(subject, reason), times)
  const services = yield* Effect.context<Decisions>()
  yield* until("the rejections are stored", async () => {
    const counts = await Effect.runPromiseWith(services)(storedCounts(site))
    return expected.every(([reason, times]) => counts[reason] === times)
  })
})

/**
 * Waits until all rejections so far are stored, and asserts those of a website in the last two days. Knows it by a rejection of another
 * website, which is recorded last: they are stored in order, or by one statement.
 */
export const assertCounts = Effect.fnUntraced(function* (site: CountedSite, expected: Counts) {
  yield* record(yield* SiteDirectory.use((sites) => sites.create({ name: "Recorded last", origins: [] })), { bot: 1 })
  assert.deepStrictEqual(yield* storedCounts(site), expected)
})
