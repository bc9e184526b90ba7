/**
 * Decides which conversation a message belongs to, and whether that conversation has memory. Pure.
 *
 * A conversation id is the key to what was said: only ids that nobody can guess have memory. These are the UUIDs that the
 * service issues and, where the operator vouches for them, ids that clients make (`conversationIds: "client"`).
 *
 * @module
 */
import { isCanonicalUuid } from "../text/Uuid.ts"
import * as ConversationHash from "./ConversationHash.ts"
import type { Instance } from "./Instance.ts"

/** The shortest client-made id that has memory, in UTF-16 units. */
export const minClientId = 16

export interface Identified {
  /** The id as the client knows it. */
  readonly conversationId: string
  /** The id in the store; null for a conversation without memory. */
  readonly storedId: string | null
}

/**
 * @param given the client's id; undefined or empty begins a conversation.
 * @param fresh a new UUID.
 */
export const identify = (
  instance: Pick<Instance, "instanceId" | "memory" | "conversationIds">,
  given: string | undefined,
  fresh: string,
  hashKey: Uint8Array
): Identified => {
  const conversationId = given || fresh
  if (instance.memory === "agent") return { conversationId, storedId: null }
  if (isCanonicalUuid(conversationId)) return { conversationId, storedId: conversationId }
  return {
    conversationId,
    storedId:
      instance.conversationIds === "client" && conversationId.length >= minClientId
        ? ConversationHash.ofClientId(hashKey, instance.instanceId, conversationId)
        : null
  }
}
