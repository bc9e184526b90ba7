/**
 * Keeps a conversation for as long as its tab is open, over every page of the website. Where the browser keeps nothing,
 * the conversation lasts as long as its page.
 *
 * @module
 */
import type { Failure } from "./failures.ts"
import { text } from "./frames.ts"
import * as Limits from "./Limits.ts"

export interface Message {
  readonly role: "user" | "agent"
  readonly text: string
  /** Why an agent's message is not whole. */
  readonly ended?: "stopped" | Failure | undefined
}

export interface Conversation {
  /** The edge's id of it; null until the first answer. */
  readonly id: string | null
  readonly messages: ReadonlyArray<Message>
  /** Whether the panel was open. */
  readonly open: boolean
  /** What was typed and not sent. */
  readonly draft: string
}

export const empty: Conversation = { id: null, messages: [], open: false, draft: "" }

/** The last messages within the bounds. Pure. */
export const bounded = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  const last = messages
    .slice(-Limits.maxMessages)
    .map((message) => ({ ...message, text: message.text.slice(0, Limits.maxKept) }))
  let units = 1
  const first = last.findLastIndex((message) => {
    // A comma or a bracket follows each message.
    units += JSON.stringify(message).length + 1
    return units > Limits.maxKept
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

/** Reads what was kept, whatever it is. Pure. */
export const read = (kept: string | null): Conversation => {
  try {
    const { draft, id, messages, open } = JSON.parse(kept ?? "") as Record<string, unknown>
    return {
      id: text(id) || null,
      messages: bounded((messages as Array<Record<string, unknown> | null>).map(readMessage)),
      open: open === true,
      draft: text(draft)
    }
  } catch {
    return empty
  }
}

const key = (instance: string): string => `hydracore-chat:${instance}`

/** What is kept, as it is written; null where nothing is. */
export const kept = (instance: string): string | null => {
  try {
    return sessionStorage.getItem(key(instance))
  } catch {
    return null
  }
}

export const load = (instance: string): Conversation => read(kept(instance))

export const save = (instance: string, conversation: Conversation): void => {
  try {
    sessionStorage.setItem(key(instance), JSON.stringify({ ...conversation, messages: bounded(conversation.messages) }))
  } catch {
    // No storage, or none left: the conversation goes on without.
  }
}
