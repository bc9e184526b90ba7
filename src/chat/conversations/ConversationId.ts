/**
 * Decides which conversation a message belongs to, and whether that conversation has memory. Pure.
 *
 * A conversation id gives access to its conversation, so only ids that cannot be guessed have memory: the UUIDs that the
 * service issues and, if the instance allows them, ids that clients make (`conversation_ids: "client"`).
 *
 * @module
 */

import { createHmac, createSecretKey, type KeyObject } from "node:crypto"
import { ConversationId, isCanonicalUuid } from "../../platform/Id.ts"
import type { Instance } from "../Instance.ts"

/** A key that is ready to use: importing its bytes takes eight times as long as a hash. */
export type Key = KeyObject

/** @param bytes 32 random bytes */
export const keyOf = (bytes: Uint8Array): Key => createSecretKey(bytes)

/**
 * HMAC-SHA256 in hexadecimal digits, because an id in base64url could begin with a hyphen, which a command line would take for
 * a flag.
 */
const hash = (
  key: Key,
  purpose: "client-id" | "client-turns" | "session",
  instanceId: string,
  ...ids: ReadonlyArray<string>
): string =>
  createHmac("sha256", key)
    .update(JSON.stringify([purpose, instanceId, ...ids]))
    .digest("hex")

/** The stored id of a conversation if its client generated the conversation's id. */
export const ofClientId = (key: Key, instanceId: string, clientId: string): ConversationId =>
  ConversationId.make(hash(key, "client-id", instanceId, clientId))

/**
 * The stored id of a conversation that a client sends in full with each request, and that is kept for the owner only. No
 * request can name the stored id.
 *
 * @param origin see `ClientConversation.origin`
 */
export const ofClientConversation = (key: Key, instanceId: string, clientId: string, origin: string): ConversationId =>
  ConversationId.make(hash(key, "client-turns", instanceId, clientId, origin))

/** The id of a conversation for the agent. Two instances of one agent never share a session. */
export const session = (key: Key, instanceId: string, conversationId: string): string =>
  hash(key, "session", instanceId, conversationId)

/** The minimum length of an id that a client made and that has memory, in UTF-16 units. */
export const minClientId = 16

export interface Identified {
  /** The conversation's id for the client. */
  readonly conversationId: string
  /** The id in the store; null for a conversation that is not stored. */
  readonly storedId: ConversationId | null
  /** Whether the id is a key: its holder may continue the conversation, read it and resume its answers. */
  readonly isKey: boolean
  /** The conversation's id for the agent; null if each request gets a new one. */
  readonly session: string | null
}

/** A client that sends its whole conversation with each request. */
export interface FullHistoryClient {
  /** See `ClientConversation.origin`. */
  readonly origin: string
  /** Whether the client resumes answers and reads the conversation by the conversation's id. */
  readonly isResumable: boolean
}

/** The id in the store of a conversation whose id is a key; null for any other id. */
const keyId = (
  { conversation_ids: conversationIds, instance_id: instanceId }: Pick<Instance, "instance_id" | "conversation_ids">,
  conversationId: string,
  hashKey: Key
): ConversationId | null => {
  if (isCanonicalUuid(conversationId)) return ConversationId.make(conversationId)
  return conversationIds === "client" && conversationId.length >= minClientId
    ? ofClientId(hashKey, instanceId, conversationId)
    : null
}

/**
 * @param given the client's id; undefined or empty begins a conversation.
 * @param fresh a new UUID.
 * @param client null for a client that sends only its new message. A conversation that is sent in full is stored even if its id
 * is not a key. It is then stored under a hash that no request can name, so that only the owner can read it. If the client
 * cannot resume, the id is never a key.
 */
export const identify = (
  instance: Pick<Instance, "instance_id" | "memory" | "conversation_ids">,
  given: string | undefined,
  fresh: string,
  hashKey: Key,
  client: FullHistoryClient | null = null
): Identified => {
  const { instance_id: instanceId } = instance
  const conversationId = given || fresh
  const sessionOf = (id: string) => session(hashKey, instanceId, id)
  const ownerOnlyId = (id: string) =>
    client === null ? null : ofClientConversation(hashKey, instanceId, id, client.origin)
  const mayBeKey = client === null || client.isResumable
  if (instance.memory === "agent") {
    // The next request cannot name this conversation.
    if (!given && !mayBeKey) return { conversationId, storedId: null, isKey: false, session: null }
    const name =
      mayBeKey && isCanonicalUuid(conversationId) ? conversationId : (ownerOnlyId(conversationId) ?? conversationId)
    return { conversationId, storedId: null, isKey: false, session: sessionOf(name) }
  }
  const key = mayBeKey ? keyId(instance, conversationId, hashKey) : null
  return key === null
    ? { conversationId, storedId: ownerOnlyId(conversationId), isKey: false, session: null }
    : { conversationId, storedId: key, isKey: true, session: sessionOf(key) }
}
