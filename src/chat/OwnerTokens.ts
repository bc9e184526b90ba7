/**
 * Lists, issues and revokes widget tokens for the owner API, only those of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import { LimitReached } from "../platform/limits/LimitReached.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import { CreationTurns } from "../sites/access/CreationTurns.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Maximums from "../sites/Maximums.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"
import * as SiteInstance from "./SiteInstance.ts"
import { type IssuedToken, positionOf, type WidgetToken } from "./WidgetToken.ts"
import { type TokenQuery, WidgetTokens } from "./WidgetTokens.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

export class OwnerTokens extends Context.Service<
  OwnerTokens,
  {
    readonly list: (
      proof: AuthorizedSite<"read">,
      query: TokenQuery
    ) => Effect.Effect<Cursor.Part<WidgetToken>, Failure>
    readonly issue: (
      proof: AuthorizedSite<"write">,
      instanceId: string,
      token: Pick<WidgetToken, "label" | "expiresAt">
    ) => Effect.Effect<IssuedToken, Failure | LimitReached>
    readonly revoke: (
      proof: AuthorizedSite<"write">,
      instanceId: string,
      tokenId: string
    ) => Effect.Effect<void, Failure>
  }
>()("hydracore/chat/OwnerTokens") {}

const notFound = Errors.make("NotFound", "This instance has no such token.")

export const layer: Layer.Layer<OwnerTokens, never, InstanceDirectory | WidgetTokens | CreationTurns> = Layer.effect(
  OwnerTokens,
  Effect.gen(function* () {
    const requireInstance = SiteInstance.require(yield* InstanceDirectory)
    const tokens = yield* WidgetTokens
    const { inTurn } = yield* CreationTurns
    const requireRoom = Effect.fnUntraced(function* (instanceId: string) {
      for (const [maximum, unrevoked] of [
        [Maximums.tokens, true],
        [Maximums.storedTokens, false]
      ] as const) {
        const { length } = yield* tokens.list({ instanceId, unrevoked, after: null, limit: maximum.max })
        if (length >= maximum.max) return yield* new LimitReached({ maximum })
      }
    })
    return {
      list: (proof, query) =>
        requireInstance(proof, query.instanceId).pipe(
          Effect.andThen(tokens.list({ ...query, limit: query.limit + 1 })),
          Effect.map((found) => Cursor.partOf(found, query.limit, positionOf))
        ),
      issue: Effect.fnUntraced(function* (proof, instanceId, token) {
        yield* requireInstance(proof, instanceId)
        const issued = yield* Effect.andThen(requireRoom(instanceId), tokens.issue({ instanceId, ...token })).pipe(
          inTurn([proof.site.websiteConfigId])
        )
        // The instance was deleted meanwhile.
        return yield* Effect.fromOption(issued, () => notFound)
      }),
      revoke: Effect.fnUntraced(function* (proof, instanceId, tokenId) {
        yield* requireInstance(proof, instanceId)
        if (!(yield* tokens.revoke({ tokenId, instanceId }))) return yield* Effect.fail(notFound)
      })
    }
  })
)
