/**
 * Lists, issues and revokes widget tokens for the owner API, only those of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer } from "effect"
import * as Errors from "../../../contract/owner/Errors.ts"
import type { IssuedToken, WidgetToken } from "../../../core/chat/WidgetToken.ts"
import type { AuthorizedSite } from "../../../core/sites/Access.ts"
import { InstanceDirectory } from "../../../services/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../../services/chat/WidgetTokens.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"
import * as SiteInstance from "../SiteInstance.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

export class OwnerTokens extends Context.Service<
  OwnerTokens,
  {
    readonly list: (
      proof: AuthorizedSite<"read">,
      instanceId: string
    ) => Effect.Effect<ReadonlyArray<WidgetToken>, Failure>
    readonly issue: (
      proof: AuthorizedSite<"write">,
      instanceId: string,
      token: Pick<WidgetToken, "label" | "expiresAt">
    ) => Effect.Effect<IssuedToken, Failure>
    readonly revoke: (
      proof: AuthorizedSite<"write">,
      instanceId: string,
      tokenId: string
    ) => Effect.Effect<void, Failure>
  }
>()("hydracore/http/owner/access/OwnerTokens") {}

const notFound = Errors.make("NotFound", "This instance has no such token.")

export const layer: Layer.Layer<OwnerTokens, never, InstanceDirectory | WidgetTokens> = Layer.effect(
  OwnerTokens,
  Effect.gen(function* () {
    const requireInstance = SiteInstance.require(yield* InstanceDirectory)
    const tokens = yield* WidgetTokens
    return {
      list: (proof, instanceId) => Effect.andThen(requireInstance(proof, instanceId), tokens.list(instanceId)),
      issue: Effect.fnUntraced(function* (proof, instanceId, token) {
        yield* requireInstance(proof, instanceId)
        const issued = yield* tokens.issue({ instanceId, ...token })
        // The instance was deleted meanwhile.
        return yield* Effect.fromOption(issued, () => notFound)
      }),
      revoke: Effect.fnUntraced(function* (proof, instanceId, tokenId) {
        yield* requireInstance(proof, instanceId)
        const isOwn = (yield* tokens.list(instanceId)).some((token) => token.tokenId === tokenId)
        if (!isOwn || !(yield* tokens.revoke(tokenId))) return yield* Effect.fail(notFound)
      })
    }
  })
)
