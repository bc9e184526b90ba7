/**
 * Issues and checks owner keys in the memory of this process. Unbounded, because visitors cannot issue keys.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import * as Credential from "../../core/sites/Credential.ts"
import * as CredentialQuery from "../../core/sites/CredentialQuery.ts"
import { nothingRemains } from "../../core/sites/Issuers.ts"
import * as Key from "../../core/sites/OwnerKey.ts"
import { OwnerKeys } from "../../services/sites/OwnerKeys.ts"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"
import * as Issued from "./IssuedCredentials.ts"

const toBase64Url = (digest: Uint8Array): string => Buffer.from(digest).toString("base64url")

export const layer: Layer.Layer<OwnerKeys, never, SiteDirectory> = Layer.effect(
  OwnerKeys,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    const tables = yield* Issued.IssuedCredentials
    const byDigest = tables.keys

    const existing = (ids: ReadonlyArray<string>) =>
      Effect.filter(ids, (id) => Effect.map(directory.byWebsiteConfigId(id), Option.isSome))

    const toKey = ({ digest: _, ...key }: Issued.StoredKey) => key

    return OwnerKeys.of({
      authenticate: Effect.fnUntraced(function* (key) {
        if (!Key.isWellFormed(key)) return Option.none()
        const digest = Credential.digest(key)
        const stored = byDigest.get(toBase64Url(digest))
        const now = yield* Clock.currentTimeMillis
        return stored !== undefined && Credential.sameDigest(stored.digest, digest) && Credential.isValidAt(stored, now)
          ? Option.some(toKey(stored))
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
        byDigest.set(toBase64Url(digest), { ...issued, digest })
        return Option.some({ ...issued, key })
      }),
      list: ({ unrevoked, ...query }) =>
        Effect.sync(() =>
          CredentialQuery.select(
            [...byDigest.values()].map(toKey).filter(({ revokedAt }) => !unrevoked || revokedAt === null),
            query,
            (key) => ({ access: key, position: Key.positionOf(key) })
          )
        ),
      find: (keyId) =>
        Effect.sync(() =>
          Option.map(Option.fromUndefinedOr([...byDigest.values()].find((key) => key.keyId === keyId)), toKey)
        ),
      revoke: (keyId, options) =>
        Effect.map(Clock.currentTimeMillis, (now) =>
          [...byDigest.values()].some((stored) => stored.keyId === keyId)
            ? Option.some(Option.getOrElse(Issued.revoke(tables, keyId, now, options), () => nothingRemains))
            : Option.none()
        )
    })
  })
).pipe(Layer.provide(Issued.layer))
