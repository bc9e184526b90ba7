/**
 * The tests that every layer of `OwnerKeys` must pass.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { assert, layer as shared } from "@effect/vitest"
import { Clock, Effect, type Layer, Option, Schema } from "effect"
import { TestClock } from "effect/testing"
import { KeyId, WebsiteConfigId } from "../../src/platform/Id.ts"
import type { Access } from "../../src/sites/access/Access.ts"
import { nothingRemains } from "../../src/sites/access/Credential.ts"
import { format, type IssuedOwnerKey, type OwnerKey, OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { SiteErasure } from "../../src/sites/SiteErasure.ts"
import { everyKey } from "../support/Lists.ts"

const newSite = SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] })).pipe(
  Effect.map(({ websiteConfigId }) => websiteConfigId)
)

const issue = (
  access: Pick<OwnerKey, "scope" | "sites">,
  expiresAt: number | null = null,
  label: string | null = null
) => OwnerKeys.use((keys) => keys.issue({ ...access, expiresAt, label })).pipe(Effect.flatMap(Effect.fromOption))

const allSites: Pick<OwnerKey, "scope" | "sites"> = { scope: "stats", sites: "all" }

const authenticate = (key: string) => OwnerKeys.use((keys) => keys.authenticate(key))

const withoutSecret = ({ key: _, ...rest }: IssuedOwnerKey) => rest

/** The listed keys with these ids. Others belong to other tests with the same storage. */
const listed = (...ids: ReadonlyArray<string>) =>
  Effect.map(
    OwnerKeys.use((keys) => keys.list(everyKey)),
    (keys) => keys.filter(({ key_id }) => ids.includes(key_id))
  )

export const suite = <E>(name: string, layer: Layer.Layer<OwnerKeys | SiteDirectory | SiteErasure, E>) =>
  shared(layer)(name, (it) => {
    it.effect("a key authenticates with its scope and its websites, sorted and without duplicates", () =>
      Effect.gen(function* () {
        const sites = [yield* newSite, yield* newSite]
        for (const scope of ["stats", "read", "write"] as const) {
          const all = yield* issue({ scope, sites: "all" })
          const some = yield* issue({ scope, sites: [...sites, ...sites] })
          assert.deepStrictEqual([all.sites, some.sites], ["all", sites.toSorted()])
          for (const key of [all, some, all]) {
            assert.deepStrictEqual(yield* authenticate(key.key), Option.some(withoutSecret(key)))
          }
        }
      })
    )

    it.effect.prop("a text that is not a key does not authenticate and causes no error", [Schema.String], ([text]) =>
      Effect.gen(function* () {
        const { key } = yield* issue(allSites)
        for (const wrong of [
          text,
          `${text}${key}x`,
          `${key}${text}x`,
          format(randomBytes(32)),
          key.toUpperCase(),
          ""
        ]) {
          assert.isTrue(Option.isNone(yield* authenticate(wrong)))
        }
      })
    )

    it.effect("a key expires at its exact time, also if it was used before", () =>
      Effect.gen(function* () {
        const { key } = yield* issue(allSites, (yield* Clock.currentTimeMillis) + 10_000)
        assert.isTrue(Option.isSome(yield* authenticate(key)))
        yield* TestClock.adjust(9999)
        assert.isTrue(Option.isSome(yield* authenticate(key)))
        yield* TestClock.adjust(1)
        assert.isTrue(Option.isNone(yield* authenticate(key)))
      })
    )

    it.effect("a revoked key is invalid within a second, and other keys stay valid", () =>
      Effect.gen(function* () {
        const keys = yield* OwnerKeys
        const [one, other] = [yield* issue(allSites), yield* issue(allSites)]
        assert.isTrue(Option.isSome(yield* authenticate(one.key)))
        assert.deepStrictEqual(yield* keys.revoke(one.key_id), Option.some(nothingRemains))
        yield* TestClock.adjust("1 second")
        assert.isTrue(Option.isNone(yield* authenticate(one.key)))
        assert.isTrue(Option.isSome(yield* authenticate(other.key)))
      })
    )

    it.effect("a second revocation has no effect, and an unknown key cannot be revoked", () =>
      Effect.gen(function* () {
        const keys = yield* OwnerKeys
        const { key_id } = yield* issue(allSites)
        assert.deepStrictEqual(yield* keys.revoke(key_id), Option.some(nothingRemains))
        const revoked = yield* listed(key_id)
        assert.strictEqual(Date.parse(revoked[0]?.revoked_at ?? ""), yield* Clock.currentTimeMillis)
        yield* TestClock.adjust(5000)
        assert.deepStrictEqual(yield* keys.revoke(key_id), Option.some(nothingRemains))
        assert.deepStrictEqual(yield* listed(key_id), revoked)
        assert.deepStrictEqual(yield* keys.revoke(KeyId.make(randomUUID())), Option.none())
      })
    )

    it.effect("revoking a key revokes the keys that it issued, and the keys that those issued", () =>
      Effect.gen(function* () {
        const keys = yield* OwnerKeys
        const [first, other] = [yield* issue(allSites), yield* issue(allSites)]
        const issueFrom = (issuedBy: string) =>
          keys.issue({ ...allSites, expiresAt: null, label: null, issuedBy }).pipe(Effect.flatMap(Effect.fromOption))
        const second = yield* issueFrom(first.key_id)
        assert.strictEqual(second.issued_by, first.key_id)
        const third = yield* issueFrom(second.key_id)
        assert.deepStrictEqual(yield* keys.revoke(first.key_id), Option.some(nothingRemains))
        yield* TestClock.adjust("1 second")
        for (const { key } of [first, second, third]) assert.isTrue(Option.isNone(yield* authenticate(key)))
        assert.isTrue(Option.isSome(yield* authenticate(other.key)))
      })
    )

    it.effect("lists keys, oldest first, without their secrets", () =>
      Effect.gen(function* () {
        const site = yield* newSite
        const expiresAt = 4_102_444_800_123
        const first = yield* issue({ scope: "write", sites: [site] }, expiresAt, 'Ünï\'s "label"')
        yield* TestClock.adjust(1)
        const second = yield* issue(allSites)
        assert.deepStrictEqual(
          [Date.parse(first.expires_at ?? ""), first.label, second.label],
          [expiresAt, 'Ünï\'s "label"', null]
        )
        assert.deepStrictEqual(yield* listed(second.key_id, first.key_id), [
          withoutSecret(first),
          withoutSecret(second)
        ])
      })
    )

    it.effect("lists in parts what a caller for some websites manages, who revokes nothing else", () =>
      Effect.gen(function* () {
        const keys = yield* OwnerKeys
        const [mine, both, theirs] = [yield* newSite, yield* newSite, yield* newSite]
        const issueNext = (sites: Access["sites"]) =>
          issue({ scope: "read", sites }).pipe(Effect.map(withoutSecret), Effect.tap(TestClock.adjust(1)))
        const [one, two, three] = [yield* issueNext([mine]), yield* issueNext([mine, both]), yield* issueNext([both])]
        const others = [yield* issueNext([mine, theirs]), yield* issueNext("all")]
        const query = { ...everyKey, sites: [mine, both] }
        assert.deepStrictEqual(yield* keys.list(query), [one, two, three])
        assert.deepStrictEqual(yield* keys.list({ ...query, reaching: mine }), [one, two])
        assert.deepStrictEqual(yield* keys.list({ ...query, reaching: theirs }), [])
        assert.deepStrictEqual(yield* keys.list({ ...query, limit: 2 }), [one, two])
        const after = { time: Date.parse(one.created_at), id: one.key_id }
        assert.deepStrictEqual(yield* keys.list({ ...query, after }), [two, three])
        assert.deepStrictEqual((yield* keys.list({ ...everyKey, reaching: theirs })).slice(-2), others)
        const caller = { callerSites: query.sites }
        for (const other of [...others.map(({ key_id }) => key_id), KeyId.make(randomUUID())]) {
          assert.isTrue(Option.isNone(yield* keys.revoke(other, caller)))
        }
        assert.isTrue(Option.isSome(yield* keys.revoke(two.key_id, caller)))
        assert.deepStrictEqual(yield* keys.list({ ...query, unrevoked: true }), [one, three])
        assert.deepStrictEqual((yield* keys.list({ ...everyKey, reaching: theirs })).slice(-2), others)
      })
    )

    it.effect(
      "deleting a website deletes the keys that reach no other website, with their labels, and the keys of those",
      () =>
        Effect.gen(function* () {
          const keys = yield* OwnerKeys
          const [deleted, other] = [yield* newSite, yield* newSite]
          const issueBy = (issuedBy: string | undefined, sites: Access["sites"]) =>
            keys
              .issue({
                scope: "read",
                sites,
                label: "Ada",
                expiresAt: null,
                ...(issuedBy !== undefined && { issuedBy })
              })
              .pipe(Effect.flatMap(Effect.fromOption))
          const all = yield* issueBy(undefined, "all")
          const both = yield* issueBy(all.key_id, [deleted, other])
          const one = yield* issueBy(both.key_id, [deleted])
          const byOne = yield* issueBy(one.key_id, [deleted])
          const revoked = yield* issueBy(both.key_id, [deleted])
          yield* keys.revoke(revoked.key_id)
          const otherByBoth = yield* issueBy(both.key_id, [other])
          yield* SiteErasure.use((erasure) => erasure.erase(deleted))
          yield* TestClock.adjust("1 second")
          const sitesOf = (key: string) =>
            Effect.map(
              authenticate(key),
              Option.map(({ sites }) => sites)
            )
          for (const gone of [one, byOne, revoked]) {
            assert.deepStrictEqual(yield* sitesOf(gone.key), Option.none())
            assert.deepStrictEqual(yield* keys.revoke(gone.key_id), Option.none())
          }
          assert.deepStrictEqual(yield* listed(one.key_id, byOne.key_id, revoked.key_id), [])
          assert.deepStrictEqual(yield* sitesOf(all.key), Option.some("all"))
          assert.deepStrictEqual(yield* sitesOf(both.key), Option.some([other]))
          assert.deepStrictEqual(yield* sitesOf(otherByBoth.key), Option.some([other]))
          // A revocation still finds what the remaining keys issued.
          yield* keys.revoke(all.key_id)
          yield* TestClock.adjust("1 second")
          for (const { key } of [all, both, otherByBoth]) assert.isTrue(Option.isNone(yield* authenticate(key)))
        })
    )

    it.effect("no key is issued for a website that does not exist", () =>
      Effect.gen(function* () {
        const keys = yield* OwnerKeys
        const site = yield* newSite
        const before = (yield* keys.list(everyKey)).length
        const sites = [site, WebsiteConfigId.make(randomUUID())]
        assert.isTrue(Option.isNone(yield* keys.issue({ scope: "stats", sites, label: null, expiresAt: null })))
        assert.strictEqual((yield* keys.list(everyKey)).length, before)
      })
    )
  })
