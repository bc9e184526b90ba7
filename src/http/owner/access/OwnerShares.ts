/**
 * Shares for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as Errors from "../../../contract/owner/Errors.ts"
import type { AuthorizedSite } from "../../../core/sites/Access.ts"
import type { Share } from "../../../core/sites/Share.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"
import { maxShares, Shares } from "../../../services/sites/Shares.ts"
import * as Validation from "../Validation.ts"
import * as CreationTurns from "./CreationTurns.ts"
import * as OwnerSites from "./OwnerSites.ts"

type Failure = (typeof Errors.NotFound)["Type"] | (typeof Errors.ValidationFailed)["Type"] | StorageUnavailable

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
>()("hydracore/http/owner/access/OwnerShares") {}

const notFound = Errors.make("NotFound", "This website has no such shared dashboard.")

const tooMany = Validation.failed([
  {
    loc: ["body"],
    msg: `Value error, a website has at most ${maxShares} shared dashboards; revoke one`,
    type: "value_error"
  }
])

export const layer: Layer.Layer<OwnerShares, never, Shares> = Layer.effect(
  OwnerShares,
  Effect.gen(function* () {
    const shares = yield* Shares
    const inTurn = yield* CreationTurns.make
    return {
      list: ({ site }) => shares.list(site.websiteConfigId),
      create: Effect.fnUntraced(
        function* ({ site: { websiteConfigId } }, share) {
          if ((yield* shares.list(websiteConfigId)).length >= maxShares) return yield* Effect.fail(tooMany)
          const created = yield* shares.create({ websiteConfigId, ...share })
          // The website was deleted meanwhile.
          return yield* Effect.fromOption(created, () => OwnerSites.notFound)
        },
        (creation, { site }) => inTurn(site.websiteConfigId, creation)
      ),
      revoke: ({ site: { websiteConfigId } }, shareId) =>
        Effect.flatMap(shares.revoke({ shareId, websiteConfigId }), (isRevoked) =>
          isRevoked ? Effect.void : Effect.fail(notFound)
        )
    }
  })
)
