/**
 * Keyed hashes of conversation ids. Without the key, nobody can choose or guess one. Pure.
 *
 * @module
 */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto"
import type { ConversationKey } from "./Conversation.ts"

/** A key that is ready to use: importing its bytes takes eight times as long as a hash. */
export type Key = KeyObject

/** @param bytes 32 random bytes */
export const keyOf = (bytes: Uint8Array): Key => createSecretKey(bytes)

/** HMAC-SHA256 of a purpose, an instance and ids, in 64 hexadecimal digits, so that no id begins with a hyphen, like a flag. */
const hash = (
  key: Key,
  purpose: "client-id" | "client-turns" | "session",
  instanceId: string,
  ...ids: ReadonlyArray<string>
): string =>
  createHmac("sha256", key)
    .update(JSON.stringify([purpose, instanceId, ...ids]))
    .digest("hex")

/** The stored id of a conversation whose client made its id itself. */
export const ofClientId = (key: Key, instanceId: string, clientId: string): string =>
  hash(key, "client-id", instanceId, clientId)

/**
 * The stored id of a conversation whose client sends its turns, and which is kept for the owner alone. No request can name it.
 *
 * @param origin see `ClientTurns.origin`
 */
export const ofClientTurns = (key: Key, instanceId: string, clientId: string, origin: string): string =>
  hash(key, "client-turns", instanceId, clientId, origin)

/** The agent's name for a conversation: two instances of one agent never share a session. */
export const session = (key: Key, { conversationId, instanceId }: ConversationKey): string =>
  hash(key, "session", instanceId, conversationId)
