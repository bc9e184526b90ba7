/**
 * Stores shared dashboards, with digests of their secrets, in the memory of this process. Unbounded, because visitors
 * cannot create shared dashboards.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import * as Credential from "../../core/sites/Credential.ts"
import * as Share from "../../core/sites/Share.ts"
import { Shares } from "../../services/sites/Shares.ts"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"

interface Stored extends Share.Share {
  readonly digest: Uint8Array
}

export const layer: Layer.Layer<Shares, never, SiteDirectory> = Layer.effect(
  Shares,
  Effect.gen(function* () {
    const directory = yield* SiteDirectory
    const byId = new Map<string, Stored>()

    const hasSite = ({ websiteConfigId }: Pick<Share.Share, "websiteConfigId">) =>
      Effect.map(directory.byWebsiteConfigId(websiteConfigId), Option.isSome)

    /** A stored share that is valid and whose website exists. */
    const current = Effect.fnUntraced(function* ({ digest: _, ...share }: Stored) {
      const now = yield* Clock.currentTimeMillis
      return Share.isValidAt(share, now) && (yield* hasSite(share)) ? Option.some<Share.Share>(share) : Option.none()
    })

    return Shares.of({
      create: Effect.fnUntraced(function* (request) {
        if (!(yield* hasSite(request))) return Option.none()
        const secret = Share.secret.format(randomBytes(32))
        const { expiresAt, label, websiteConfigId } = request
        const createdAt = yield* Clock.currentTimeMillis
        const share = { shareId: randomUUID(), websiteConfigId, label, createdAt, expiresAt }
        byId.set(share.shareId, { ...share, digest: Credential.digest(secret) })
        return Option.some({ secret, share })
      }),
      authenticate: Effect.fnUntraced(function* (secret) {
        if (!Share.secret.isWellFormed(secret)) return Option.none()
        const digest = Credential.digest(secret)
        const stored = [...byId.values()].find((share) => Credential.sameDigest(share.digest, digest))
        return stored === undefined ? Option.none() : yield* current(stored)
      }),
      list: (websiteConfigId) =>
        Effect.suspend(() =>
          Effect.forEach(
            [...byId.values()].filter((share) => websiteConfigId === null || share.websiteConfigId === websiteConfigId),
            current
          )
        ).pipe(Effect.map((shares) => shares.flatMap(Option.toArray))),
      revoke: ({ shareId, websiteConfigId }) =>
        Effect.sync(() => {
          const stored = byId.get(shareId)
          const isOfWebsite =
            stored !== undefined && (websiteConfigId === null || stored.websiteConfigId === websiteConfigId)
          return isOfWebsite && byId.delete(shareId)
        })
    })
  })
)
