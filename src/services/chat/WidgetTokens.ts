/**
 * Issues and checks the tokens with which a chat widget authenticates. The interface alone; see `memory/chat/WidgetTokens`
 * and `postgres/chat/WidgetTokens`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { Instance } from "../../core/chat/Instance.ts"
import type { IssuedToken, WidgetToken } from "../../core/chat/WidgetToken.ts"
import type { StorageUnavailable } from "../Storage.ts"

export class WidgetTokens extends Context.Service<
  WidgetTokens,
  {
    /**
     * The instance, if `token` is one of its own, neither revoked nor expired. None tells nothing about which of these
     * failed, nor whether the instance exists. Revocation and expiry take effect within a second on every process.
     */
    readonly authenticate: (
      instanceId: string,
      token: string
    ) => Effect.Effect<Option.Option<Instance>, StorageUnavailable>
    /** Makes a token for an instance. The secret is in this answer only; none if there is no such instance. */
    readonly issue: (request: {
      readonly instanceId: string
      readonly label: string | null
      /** Milliseconds since 1970, or null for a token that does not expire. */
      readonly expiresAt: number | null
    }) => Effect.Effect<Option.Option<IssuedToken>, StorageUnavailable>
    /** The tokens of an instance, oldest first, without their secrets. */
    readonly list: (instanceId: string) => Effect.Effect<ReadonlyArray<WidgetToken>, StorageUnavailable>
    /** Ends a token's life. False if there is no such token; true if it is revoked, now or already. */
    readonly revoke: (tokenId: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/services/WidgetTokens") {}
