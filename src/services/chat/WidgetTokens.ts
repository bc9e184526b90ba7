/**
 * Issues and checks the tokens with which a chat widget authenticates. The interface only; see `memory/chat/WidgetTokens`
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
     * The instance, if `token` is one of its tokens and neither revoked nor expired. Otherwise none: the caller does not learn
     * which of these checks failed, or whether the instance exists. A revocation takes effect on every process within a second.
     */
    readonly authenticate: (
      instanceId: string,
      token: string
    ) => Effect.Effect<Option.Option<Instance>, StorageUnavailable>
    /** Issues a token. None if there is no such instance. */
    readonly issue: (request: {
      readonly instanceId: string
      readonly label: string | null
      /** Milliseconds since 1970, or null for a token that does not expire. */
      readonly expiresAt: number | null
    }) => Effect.Effect<Option.Option<IssuedToken>, StorageUnavailable>
    /** The tokens of an instance, oldest first. */
    readonly list: (instanceId: string) => Effect.Effect<ReadonlyArray<WidgetToken>, StorageUnavailable>
    /** False if there is no such token; true if this call or an earlier one revoked it. */
    readonly revoke: (tokenId: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/services/WidgetTokens") {}
