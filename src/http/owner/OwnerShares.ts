/**
 * The shared dashboards of the owner API: those of websites for which the caller's right is proven.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import * as Errors from "../../contract/owner/Errors.ts"
import type { AuthorizedSite } from "../../core/sites/Access.ts"
import type { Share } from "../../core/sites/Share.ts"
import type { StorageUnavailable } from "../../services/Storage.ts"
import { Shares } from "../../services/sites/Shares.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

export class OwnerShares extends Context.Service<
  OwnerShares,
  {
    readonly list: (proof: AuthorizedSite<"read">) => Effect.Effect<ReadonlyArray<Share>, StorageUnavailable>
    readonly create: (
      proof: AuthorizedSite<"write">,
      share: Pick<Share, "label" | "expiresAt">
    ) => Effect.Effect<{ readonly secret: string; readonly share: Share }, Failure>
    readonly revoke: (proof: AuthorizedSite<"write">, shareId: string) => Effect.Effect<void, Failure>
  }
>()("hydracore/http/owner/OwnerShares") {}

const notFound = Errors.make("NotFound", "This website has no such shared dashboard.")

export const layer: Layer.Layer<OwnerShares, never, Shares> = Layer.effect(
  OwnerShares,
  Effect.map(Shares, (shares) => ({
    list: ({ site }) => shares.list(site.websiteConfigId),
    create: ({ site: { websiteConfigId } }, share) =>
      Effect.flatMap(
        shares.create({ websiteConfigId, ...share }),
        // The website was deleted meanwhile.
        Option.match({ onNone: () => Effect.fail(notFound), onSome: Effect.succeed })
      ),
    revoke: ({ site: { websiteConfigId } }, shareId) =>
      Effect.flatMap(shares.revoke({ shareId, websiteConfigId }), (isRevoked) =>
        isRevoked ? Effect.void : Effect.fail(notFound)
      )
  }))
)
