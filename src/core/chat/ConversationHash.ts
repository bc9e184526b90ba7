/**
 * Keyed hashes of conversation ids. Without the key, nobody can choose or guess one. Pure.
 *
 * @module
 */
import { createHmac } from "node:crypto"
import type { ConversationKey } from "./Conversation.ts"

/** HMAC-SHA256 of a purpose, an instance and an id, in 64 hexadecimal digits: no id begins with a hyphen, as a flag does. */
const hash = (key: Uint8Array, purpose: "client-id" | "session", instanceId: string, id: string): string =>
  createHmac("sha256", key)
    .update(JSON.stringify([purpose, instanceId, id]))
    .digest("hex")

/** The id under which a conversation is kept whose client made its id itself. */
export const ofClientId = (key: Uint8Array, instanceId: string, clientId: string): string =>
  hash(key, "client-id", instanceId, clientId)

/** The agent's name for a conversation: two instances of one agent never share a session. */
export const session = (key: Uint8Array, { conversationId, instanceId }: ConversationKey): string =>
  hash(key, "session", instanceId, conversationId)
