/**
 * Issues and checks the tokens with which a chat widget authenticates. `postgres/WidgetTokens.ts` stores them in PostgreSQL.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Option } from "effect"
import { type InstanceId, TokenId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { LimitReached } from "../platform/Storage.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import * as Credential from "../sites/access/Credential.ts"
import type { Instance } from "./Instance.ts"
import { InstanceDirectory, type Reach } from "./InstanceDirectory.ts"
import * as Token from "./WidgetToken.ts"

export interface TokenQuery {
  readonly reach: Reach
  readonly instanceId: InstanceId
  /** Whether revoked tokens are left out. */
  readonly unrevoked: boolean
  /** Null from the first token. */
  readonly after: Cursor.Position | null
  readonly limit: number
}

export class WidgetTokens extends Context.Service<
  WidgetTokens,
  {
    /**
     * The instance, if `token` is one of its tokens and neither revoked nor expired. Otherwise none: the caller does not learn
     * which of these checks failed, or whether the instance exists. A revocation takes effect on every process within a second.
     *
     * @param instanceId any text
     */
    readonly authenticate: (
      instanceId: string,
      token: string
    ) => Effect.Effect<Option.Option<Instance>, StorageUnavailable>
    /** Issues a token. None if there is no such instance. Fails beyond `Maximums.tokens` and `Maximums.storedTokens`. */
    readonly issue: (request: {
      readonly reach: Reach
      readonly instanceId: InstanceId
      readonly label: string | null
      /** Milliseconds since 1970, or null for a token that does not expire. */
      readonly expiresAt: number | null
    }) => Effect.Effect<Option.Option<Token.IssuedToken>, StorageUnavailable | LimitReached>
    /** The tokens of an instance after a position, oldest first; at most `limit`. */
    readonly list: (query: TokenQuery) => Effect.Effect<ReadonlyArray<Token.WidgetToken>, StorageUnavailable>
    /**
     * Revokes a token of an instance, or of any instance for null. False if there is no such token; true if this call or an
     * earlier one revoked it.
     */
    readonly revoke: (token: {
      readonly reach: Reach
      readonly instanceId: InstanceId | null
      readonly tokenId: TokenId
    }) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/chat/WidgetTokens") {}

interface Stored {
  readonly token: Token.WidgetToken
  readonly instanceId: InstanceId
  readonly digest: Uint8Array
}

/** Keeps tokens in this process, for tests and trials. Unbounded, because visitors cannot issue tokens. */
export const layerMemory: Layer.Layer<WidgetTokens, never, InstanceDirectory> = Layer.effect(
  WidgetTokens,
  Effect.gen(function* () {
    const instances = yield* InstanceDirectory
    const byDigest = new Map<string, Stored>()
    const keyOf = (digest: Uint8Array): string => Buffer.from(digest).toString("base64url")

    /** The stored tokens of instances that still exist and are within reach. */
    const within = Effect.fnUntraced(function* (reach: Reach, instanceId: InstanceId | null) {
      const found: Array<Stored> = []
      for (const stored of byDigest.values()) {
        if (instanceId !== null && stored.instanceId !== instanceId) continue
        if (Option.isSome(yield* instances.read(reach, stored.instanceId))) found.push(stored)
      }
      return found
    })

    return WidgetTokens.of({
      authenticate: Effect.fnUntraced(function* (instanceId, token) {
        if (!Token.isWellFormed(token)) return Option.none()
        const digest = Credential.digest(token)
        const stored = byDigest.get(keyOf(digest))
        return stored !== undefined &&
          Credential.sameDigest(stored.digest, digest) &&
          stored.instanceId === instanceId &&
          Credential.isValidAt(Token.validityOf(stored.token), yield* Clock.currentTimeMillis)
          ? yield* instances.find(stored.instanceId)
          : Option.none()
      }),
      issue: Effect.fnUntraced(function* ({ expiresAt, instanceId, label, reach }) {
        if (Option.isNone(yield* instances.read(reach, instanceId))) return Option.none()
        const others = yield* within(reach, instanceId)
        const maximum = Token.reached({
          stored: others.length,
          unrevoked: others.filter(({ token }) => token.revoked_at === null).length
        })
        if (maximum !== undefined) return yield* new LimitReached({ maximum })
        const token = Token.format(randomBytes(32))
        const digest = Credential.digest(token)
        const issued = {
          token_id: TokenId.make(randomUUID()),
          label,
          created_at: Calendar.iso(yield* Clock.currentTimeMillis),
          expires_at: Calendar.isoOrNull(expiresAt),
          revoked_at: null,
          token
        }
        byDigest.set(keyOf(digest), { token: issued, instanceId, digest })
        return Option.some(issued)
      }),
      list: ({ after, instanceId, limit, reach, unrevoked }) =>
        Effect.map(within(reach, instanceId), (stored) =>
          stored
            .map(({ token }) => token)
            .filter(
              (token) =>
                (!unrevoked || token.revoked_at === null) &&
                (after === null || Cursor.latestFirst(after, Token.positionOf(token)) > 0)
            )
            .sort((left, right) => Cursor.latestFirst(Token.positionOf(right), Token.positionOf(left)))
            .slice(0, limit)
        ),
      revoke: Effect.fnUntraced(function* ({ instanceId, reach, tokenId }) {
        const stored = (yield* within(reach, instanceId)).find(({ token }) => token.token_id === tokenId)
        if (stored === undefined) return false
        const revoked_at = stored.token.revoked_at ?? Calendar.iso(yield* Clock.currentTimeMillis)
        byDigest.set(keyOf(stored.digest), { ...stored, token: { ...stored.token, revoked_at, token: null } })
        return true
      })
    })
  })
)
