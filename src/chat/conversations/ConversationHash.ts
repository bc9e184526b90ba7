/**
 * Keyed hashes of conversation ids. Without the key, a hash can be neither chosen nor guessed. Pure.
 *
 * @module
 */
import { createHmac, createSecretKey, type KeyObject } from "node:crypto"
import type { ConversationKey } from "./Conversation.ts"

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
export const ofClientId = (key: Key, instanceId: string, clientId: string): string =>
  hash(key, "client-id", instanceId, clientId)

/**
 * The stored id of a conversation that a client sends in full with each request, and that is kept for the owner only. No
 * request can name the stored id.
 *
 * @param origin see `ClientConversation.origin`
 */
export const ofClientConversation = (key: Key, instanceId: string, clientId: string, origin: string): string =>
  hash(key, "client-turns", instanceId, clientId, origin)

/** The id of a conversation for the agent. Two instances of one agent never share a session. */
export const session = (key: Key, { conversationId, instanceId }: ConversationKey): string =>
  hash(key, "session", instanceId, conversationId)
