/**
 * Issues and checks the tokens with which a chat widget authenticates. The interface only; see `chat/memory/WidgetTokens`
 * and `chat/postgres/WidgetTokens`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import type { Position } from "../platform/text/Cursor.ts"
import type { Instance } from "./Instance.ts"
import type { IssuedToken, WidgetToken } from "./WidgetToken.ts"

export interface TokenQuery {
  readonly instanceId: string
  /** Whether revoked tokens are left out. */
  readonly unrevoked: boolean
  /** Null from the first token. */
  readonly after: Position | null
  readonly limit: number
}

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
    /** Issues a token. None if there is no such instance. Fails beyond `Maximums.tokens` and `Maximums.storedTokens`. */
    readonly issue: (request: {
      readonly instanceId: string
      readonly label: string | null
      /** Milliseconds since 1970, or null for a token that does not expire. */
      readonly expiresAt: number | null
    }) => Effect.Effect<Option.Option<IssuedToken>, StorageUnavailable | LimitReached>
    /** The tokens of an instance after a position, oldest first; at most `limit`. */
    readonly list: (query: TokenQuery) => Effect.Effect<ReadonlyArray<WidgetToken>, StorageUnavailable>
    /**
     * Revokes a token of an instance, or of any instance for null. False if there is no such token; true if this call or an
     * earlier one revoked it.
     */
    readonly revoke: (token: {
      readonly tokenId: string
      readonly instanceId: string | null
    }) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/chat/WidgetTokens") {}
