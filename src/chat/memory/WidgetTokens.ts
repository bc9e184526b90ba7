/**
 * Issues and checks widget tokens in this process, for tests and trials. Unbounded, because visitors cannot issue tokens.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import { LimitReached } from "../../platform/Storage.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Credential from "../../sites/access/Credential.ts"
import { InstanceDirectory } from "../InstanceDirectory.ts"
import * as Token from "../WidgetToken.ts"
import { WidgetTokens } from "../WidgetTokens.ts"

interface StoredToken extends Token.WidgetToken {
  readonly digest: Uint8Array
}

const keyOf = (digest: Uint8Array): string => Buffer.from(digest).toString("base64url")

const withoutDigest = ({ digest: _, ...token }: StoredToken): Token.WidgetToken => token

export const layer: Layer.Layer<WidgetTokens, never, InstanceDirectory> = Layer.effect(
  WidgetTokens,
  Effect.gen(function* () {
    const instances = yield* InstanceDirectory
    const byDigest = new Map<string, StoredToken>()

    const authenticate: WidgetTokens["Service"]["authenticate"] = Effect.fnUntraced(function* (instanceId, token) {
      if (!Token.isWellFormed(token)) return Option.none()
      const digest = Credential.digest(token)
      const kept = byDigest.get(keyOf(digest))
      const now = yield* Clock.currentTimeMillis
      return kept !== undefined &&
        Credential.sameDigest(kept.digest, digest) &&
        kept.instanceId === instanceId &&
        Credential.isValidAt(kept, now)
        ? yield* instances.find(instanceId)
        : Option.none()
    })

    const issue: WidgetTokens["Service"]["issue"] = Effect.fnUntraced(function* ({ expiresAt, instanceId, label }) {
      if (Option.isNone(yield* instances.find(instanceId))) return Option.none()
      const stored = [...byDigest.values()].filter((kept) => kept.instanceId === instanceId)
      const maximum = Token.reached({
        stored: stored.length,
        unrevoked: stored.filter(({ revokedAt }) => revokedAt === null).length
      })
      if (maximum !== undefined) return yield* new LimitReached({ maximum })
      const token = Token.format(randomBytes(32))
      const createdAt = yield* Clock.currentTimeMillis
      const digest = Credential.digest(token)
      const issued = { tokenId: randomUUID(), instanceId, label, createdAt, expiresAt, revokedAt: null, token }
      byDigest.set(keyOf(digest), { ...issued, digest })
      return Option.some(issued)
    })

    /** Deletes the tokens of the instances that no longer exist. */
    const prune = Effect.gen(function* () {
      for (const [key, kept] of byDigest) {
        if (Option.isNone(yield* instances.find(kept.instanceId))) byDigest.delete(key)
      }
    })

    const revoke: WidgetTokens["Service"]["revoke"] = Effect.fnUntraced(function* ({ instanceId, tokenId }) {
      yield* prune
      const now = yield* Clock.currentTimeMillis
      for (const [key, kept] of byDigest) {
        if (kept.tokenId !== tokenId || (instanceId !== null && kept.instanceId !== instanceId)) continue
        if (kept.revokedAt === null) byDigest.set(key, { ...kept, revokedAt: now, token: null })
        return true
      }
      return false
    })

    return WidgetTokens.of({
      authenticate,
      issue,
      revoke,
      list: ({ after, instanceId, limit, unrevoked }) =>
        Effect.map(prune, () =>
          [...byDigest.values()]
            .filter(
              (kept) =>
                kept.instanceId === instanceId &&
                (!unrevoked || kept.revokedAt === null) &&
                (after === null || Cursor.latestFirst(after, Token.positionOf(kept)) > 0)
            )
            .sort((left, right) => Cursor.latestFirst(Token.positionOf(right), Token.positionOf(left)))
            .slice(0, limit)
            .map(withoutDigest)
        )
    })
  })
)
