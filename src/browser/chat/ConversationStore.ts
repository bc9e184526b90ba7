/**
 * Stores a conversation in `sessionStorage`, so it continues on every page of the website in the same tab. Without storage,
 * a conversation ends with its page.
 *
 * @module
 */
import type { Failure } from "./Failures.ts"
import { text } from "./Frames.ts"
import * as Limits from "./Limits.ts"

export interface Message {
  readonly role: "user" | "agent"
  readonly text: string
  /** Why an agent's message is incomplete. */
  readonly ended?: "stopped" | Failure | undefined
}

export interface Conversation {
  /** The id that the edge assigned, null before the first answer. */
  readonly id: string | null
  readonly messages: ReadonlyArray<Message>
  /** Whether the panel is open. */
  readonly open: boolean
  /** The message that is typed but not sent. */
  readonly draft: string
}

export const empty: Conversation = { id: null, messages: [], open: false, draft: "" }

/** Returns the last messages within `maxMessages` and `maxStored`. Pure. */
export const limitMessages = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  const last = messages
    .slice(-Limits.maxMessages)
    .map((message) => ({ ...message, text: message.text.slice(0, Limits.maxStored) }))
  let units = 1
  const first = last.findLastIndex((message) => {
    // A comma or a bracket follows each message.
    units += JSON.stringify(message).length + 1
    return units > Limits.maxStored
  })
  return last.slice(Math.min(first + 1, last.length - 1))
}

const readMessage = (value: Record<string, unknown> | null): Message => {
  const ended = value?.["ended"] as Message["ended"] | null
  return {
    role: value?.["role"] === "user" ? "user" : "agent",
    text: text(value?.["text"]),
    ended: ended === "stopped" || text(ended?.kind) ? ended! : undefined
  }
}

/** Parses a stored conversation. Anything invalid is an empty conversation. Pure. */
export const parse = (stored: string | null): Conversation => {
  try {
    const { draft, id, messages, open } = JSON.parse(stored ?? "") as Record<string, unknown>
    return {
      id: text(id) || null,
      messages: limitMessages((messages as Array<Record<string, unknown> | null>).map(readMessage)),
      open: open === true,
      draft: text(draft)
    }
  } catch {
    return empty
  }
}

const key = (instance: string): string => `hydracore-chat:${instance}`

/** Returns the stored JSON, or null. */
export const loadJson = (instance: string): string | null => {
  try {
    return sessionStorage.getItem(key(instance))
  } catch {
    return null
  }
}

export const load = (instance: string): Conversation => parse(loadJson(instance))

export const save = (instance: string, conversation: Conversation): void => {
  try {
    sessionStorage.setItem(
      key(instance),
      JSON.stringify({ ...conversation, messages: limitMessages(conversation.messages) })
    )
  } catch {
    // Storage is blocked or full: the conversation continues without it.
  }
}
