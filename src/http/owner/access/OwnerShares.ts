/**
 * Shares for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as Errors from "../../../contract/owner/Errors.ts"
import type { AuthorizedSite } from "../../../core/sites/Access.ts"
import * as Maximums from "../../../core/sites/Maximums.ts"
import type { Share } from "../../../core/sites/Share.ts"
import { LimitReached } from "../../../services/LimitReached.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"
import { CreationTurns } from "../../../services/sites/CreationTurns.ts"
import { Shares } from "../../../services/sites/Shares.ts"
import * as OwnerSites from "./OwnerSites.ts"

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
>()("hydracore/http/owner/access/OwnerShares") {}

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
