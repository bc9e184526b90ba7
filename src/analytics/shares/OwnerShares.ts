/**
 * Shares for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import { LimitReached } from "../../platform/limits/LimitReached.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { AuthorizedSite } from "../../sites/access/Access.ts"
import { CreationTurns } from "../../sites/access/CreationTurns.ts"
import * as Errors from "../../sites/access/Errors.ts"
import type { Share } from "../../sites/access/Share.ts"
import { Shares } from "../../sites/access/Shares.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as OwnerSites from "../../sites/OwnerSites.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

export class OwnerShares extends Context.Service<
  OwnerShares,
  {
    readonly list: (proof: AuthorizedSite<"read">) => Effect.Effect<ReadonlyArray<Share>, StorageUnavailable>
    readonly create: (
      proof: AuthorizedSite<"write">,
      share: Pick<Share, "label" | "expiresAt">
    ) => Effect.Effect<{ readonly secret: string; readonly share: Share }, Failure | LimitReached>
    readonly revoke: (proof: AuthorizedSite<"write">, shareId: string) => Effect.Effect<void, Failure>
  }
>()("hydracore/analytics/shares/OwnerShares") {}

const notFound = Errors.make("NotFound", "This website has no such shared dashboard.")

export const layer: Layer.Layer<OwnerShares, never, Shares | CreationTurns> = Layer.effect(
  OwnerShares,
  Effect.gen(function* () {
    const shares = yield* Shares
    const { inTurn } = yield* CreationTurns
    return {
      list: ({ site }) => shares.list(site.websiteConfigId),
      create: Effect.fnUntraced(
        function* ({ site: { websiteConfigId } }, share) {
          const { length } = yield* shares.list(websiteConfigId)
          if (length >= Maximums.shares.max) return yield* new LimitReached({ maximum: Maximums.shares })
          const created = yield* shares.create({ websiteConfigId, ...share })
          // The website was deleted meanwhile.
          return yield* Effect.fromOption(created, () => OwnerSites.notFound)
        },
        (creation, { site }) => inTurn([site.websiteConfigId])(creation)
      ),
      revoke: ({ site: { websiteConfigId } }, shareId) =>
        Effect.flatMap(shares.revoke({ shareId, websiteConfigId }), (isRevoked) =>
          isRevoked ? Effect.void : Effect.fail(notFound)
        )
    }
  })
)
