/**
 * Issues and checks owner keys in the memory of this process. Unbounded, because visitors cannot issue keys.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import * as Credential from "../../core/sites/Credential.ts"
import * as Key from "../../core/sites/OwnerKey.ts"
import { OwnerKeys } from "../../services/sites/OwnerKeys.ts"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"

interface Stored extends Key.OwnerKey {
  readonly digest: Uint8Array
}

const nameOf = (digest: Uint8Array): string => Buffer.from(digest).toString("base64url")

export const layer: Layer.Layer<OwnerKeys, never, SiteDirectory> = Layer.effect(
  OwnerKeys,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    const byDigest = new Map<string, Stored>()

    const existing = (ids: ReadonlyArray<string>) =>
      Effect.filter(ids, (id) => Effect.map(directory.byWebsiteConfigId(id), Option.isSome))

    const toKey = Effect.fnUntraced(function* ({ digest: _, ...key }: Stored) {
      return key.sites === "all" ? key : { ...key, sites: yield* existing(key.sites) }
    })

    /** Revokes keys, and returns how many were valid. */
    const revokeAll = (keyIds: ReadonlySet<string>, now: number): number => {
      let count = 0
      for (const [name, stored] of byDigest) {
        if (!keyIds.has(stored.keyId) || stored.revokedAt !== null) continue
        byDigest.set(name, { ...stored, revokedAt: now })
        if (Credential.isValidAt(stored, now)) count++
      }
      return count
    }

    const issuersFrom = (id: string) => Key.issuersFrom(id, [...byDigest.values()])

    return OwnerKeys.of({
      authenticate: Effect.fnUntraced(function* (key) {
        if (!Key.isWellFormed(key)) return Option.none()
        const digest = Credential.digest(key)
        const stored = byDigest.get(nameOf(digest))
        const now = yield* Clock.currentTimeMillis
        return stored !== undefined && Credential.sameDigest(stored.digest, digest) && Credential.isValidAt(stored, now)
          ? Option.some(yield* toKey(stored))
          : Option.none()
      }),
      issue: Effect.fnUntraced(function* ({ expiresAt, issuedBy = null, label, scope, sites }) {
        const ids = sites === "all" ? sites : [...new Set(sites)].sort()
        if (ids !== "all" && (yield* existing(ids)).length < ids.length) return Option.none()
        const key = Key.format(randomBytes(32))
        const digest = Credential.digest(key)
        const createdAt = yield* Clock.currentTimeMillis
        const issued = {
          keyId: randomUUID(),
          scope,
          sites: ids,
          label,
          createdAt,
          expiresAt,
          issuedBy,
          revokedAt: null
        }
        byDigest.set(nameOf(digest), { ...issued, digest })
        return Option.some({ ...issued, key })
      }),
      list: Effect.suspend(() => Effect.forEach([...byDigest.values()], toKey)),
      revoke: (keyId) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          revokeAll(issuersFrom(keyId), now)
          return [...byDigest.values()].some((stored) => stored.keyId === keyId)
        }),
      revokeIssuedBy: (id) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const issuers = new Set(issuersFrom(id))
          issuers.delete(id)
          return revokeAll(issuers, now)
        })
    })
  })
)
