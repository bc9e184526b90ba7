/**
 * The tests that every layer of `Shares` must pass.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { ShareId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { secret as format, Shares } from "../../src/sites/access/Share.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { id } from "../support/Ids.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] })).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId)
)

const newShare = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, expiresAt: number | null = null) {
  const shares = yield* Shares
  return yield* Effect.fromOption(yield* shares.create(websiteConfigId, { label: "Agency", expiresAt }))
})

const authenticate = (secret: string) => Shares.use((shares) => shares.authenticate(secret))

export const suite = <E>(name: string, layer: Layer.Layer<Shares | SiteDirectory | SiteErasure, E>) =>
  shared(layer)(name, (it) => {
    it.effect("the secret of a share authenticates it, each time that it is used", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const createdAt = yield* Clock.currentTimeMillis
        const { secret, share } = yield* newShare(site)
        assert.isTrue(format.isWellFormed(secret))
        assert.deepStrictEqual(share, {
          share_id: share.share_id,
          site_id: site,
          label: "Agency",
          numbers: "protected",
          has_password: false,
          created_at: new Date(createdAt).toISOString(),
          expires_at: null
        })
        for (let use = 0; use < 2; use++) {
          assert.deepStrictEqual(yield* authenticate(secret), Option.some(share))
        }
      })
    )

    it.effect("a password is proven once, for its share only, until the proof or the share ends", () =>
      Effect.gen(function* () {
        const shares = yield* Shares
        const site = yield* newSite
        const create = (password: string) =>
          Effect.flatMap(
            shares.create(site, { label: null, expiresAt: null, numbers: "exact", password }),
            Effect.fromOption
          )
        const { secret, share } = yield* create("kayaks at dawn")
        assert.deepStrictEqual([share.numbers, share.has_password], ["exact", true])
        assert.deepStrictEqual(yield* authenticate(secret), Option.some(share))
        assert.isFalse(yield* shares.isUnlocked(secret, ""))
        assert.isTrue(Option.isNone(yield* shares.unlock(secret, "kayaks at dusk")))
        const proof = Option.getOrThrow(yield* shares.unlock(secret, "kayaks at dawn"))
        assert.isTrue(yield* shares.isUnlocked(secret, proof))
        // Also another share with this password has a proof of its own.
        const other = yield* create("kayaks at dawn")
        for (const wrong of [other.secret, (yield* create("kayaks at noon")).secret]) {
          assert.isFalse(yield* shares.isUnlocked(wrong, proof))
        }
        const [until = "", signature = ""] = proof.split(".")
        for (const forged of [`${Number(until) + 1}.${signature}`, `${until}.`, `${until}.${"A".repeat(43)}`, until]) {
          assert.isFalse(yield* shares.isUnlocked(secret, forged))
        }
        yield* TestClock.adjust("30 days")
        assert.isFalse(yield* shares.isUnlocked(secret, proof))
        const next = Option.getOrThrow(yield* shares.unlock(secret, "kayaks at dawn"))
        yield* shares.revoke(site, share.share_id)
        yield* TestClock.adjust("1 second")
        assert.isFalse(yield* shares.isUnlocked(secret, next))
        assert.isTrue(yield* shares.isUnlocked((yield* newShare(site)).secret, ""))
      })
    )

    it.effect("a share is valid until it expires, and is no longer listed then", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const { secret } = yield* newShare(site, (yield* Clock.currentTimeMillis) + 60_000)
        yield* TestClock.adjust(59_999)
        assert.isTrue(Option.isSome(yield* authenticate(secret)))
        yield* TestClock.adjust(1)
        assert.isTrue(Option.isNone(yield* authenticate(secret)))
        assert.deepStrictEqual(yield* Shares.use((shares) => shares.list(site)), [])
      })
    )

    it.effect.prop("no other text authenticates", [Schema.String], ([text]) =>
      Effect.gen(function* () {
        const { secret } = yield* newShare(yield* newSite)
        for (const wrong of [text, `${secret}${text}x`, format.format(randomBytes(32)), ""]) {
          assert.isTrue(Option.isNone(yield* authenticate(wrong)))
        }
      })
    )

    it.effect("a revoked share is invalid within a second, and other shares stay valid", () =>
      Effect.gen(function* () {
        const shares = yield* Shares
        const [site, other] = [yield* newSite, yield* newSite]
        const [one, two] = [yield* newShare(site), yield* newShare(site)]
        const revoke = (websiteConfigId: WebsiteConfigId) => shares.revoke(websiteConfigId, one.share.share_id)
        assert.isTrue(Option.isSome(yield* authenticate(one.secret)))
        for (const wrong of [
          revoke(other),
          revoke(id(WebsiteConfigId, "no website")),
          shares.revoke(site, ShareId.make(randomUUID()))
        ]) {
          assert.isFalse(yield* wrong)
        }
        assert.isTrue(yield* revoke(site))
        assert.isFalse(yield* revoke(site))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* authenticate(one.secret)))
        assert.isTrue(Option.isSome(yield* authenticate(two.secret)))
        assert.isTrue(yield* shares.revoke(site, two.share.share_id))
      })
    )

    it.effect("lists the shares of a website, or of all, oldest first", () =>
      Effect.gen(function* () {
        const shares = yield* Shares
        const [site, other] = [yield* newSite, yield* newSite]
        const first = yield* newShare(site)
        yield* TestClock.adjust(1)
        const second = yield* newShare(other)
        yield* TestClock.adjust(1)
        const third = yield* newShare(site)
        assert.deepStrictEqual(yield* shares.list(site), [first.share, third.share])
        assert.deepStrictEqual(
          (yield* shares.list(null)).filter(({ site_id }) => [site, other].includes(site_id)),
          [first.share, second.share, third.share]
        )
        assert.deepStrictEqual(yield* shares.list(id(WebsiteConfigId, "no website")), [])
      })
    )

    it.effect("a website has at most 50 shares that have not expired, also if they are created concurrently", () =>
      Effect.gen(function* () {
        const shares = yield* Shares
        const [site, other] = [yield* newSite, yield* newSite]
        yield* newShare(site, (yield* Clock.currentTimeMillis) + 1)
        yield* TestClock.adjust(1)
        const create = Effect.result(shares.create(site, { label: null, expiresAt: null }))
        const attempts = Array.from({ length: Maximums.shares.max + 5 }, () => create)
        const outcomes = yield* Effect.all(attempts, { concurrency: 8 })
        const refused = outcomes.flatMap((outcome) => (Result.isFailure(outcome) ? [outcome.failure._tag] : []))
        assert.deepStrictEqual(
          refused,
          Array.from({ length: 5 }, () => "LimitReached")
        )
        yield* newShare(other)
        const [first] = yield* shares.list(site)
        if (first === undefined) return assert.fail("there are shares")
        assert.isTrue(yield* shares.revoke(site, first.share_id))
        yield* newShare(site)
      })
    )

    it.effect("deleting a website ends its shares, and no share is created for a website that does not exist", () =>
      Effect.gen(function* () {
        const shares = yield* Shares
        const [deletedSite, otherSite] = [yield* newSite, yield* newSite]
        const [ended, other] = [yield* newShare(deletedSite), yield* newShare(otherSite)]
        yield* SiteErasure.use((erasure) => erasure.erase(deletedSite))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* authenticate(ended.secret)))
        assert.isTrue(Option.isSome(yield* authenticate(other.secret)))
        assert.deepStrictEqual(yield* shares.list(deletedSite), [])
        for (const websiteConfigId of [deletedSite, WebsiteConfigId.make(randomUUID())]) {
          assert.isTrue(Option.isNone(yield* shares.create(websiteConfigId, { label: null, expiresAt: null })))
        }
      })
    )
  })
