/**
 * A conversation and its encoded form, which this tab stores in `sessionStorage` and sends to the website's other tabs. If the
 * browser denies storage, the next page starts with an empty conversation, unless another tab sends one.
 *
 * @module
 */
import type { Failure } from "./Failures.ts"
import { type Source, sourceFrom, text } from "./Frames.ts"
import * as Limits from "./Limits.ts"

export type Rating = "up" | "down"

export interface Message {
  readonly role: "user" | "agent"
  readonly text: string
  /** Why an agent's message is incomplete. */
  readonly ended?: "stopped" | Failure | undefined
  /** The id that the edge gave to an agent's message. */
  readonly id?: string | undefined
  readonly sources?: ReadonlyArray<Source> | undefined
  readonly rating?: Rating | undefined
}

export interface Conversation {
  /** The id that the edge assigned, null before the first answer. */
  readonly id: string | null
  /** Whether the edge keeps the conversation: its answers can be resumed and rated. */
  readonly memory: boolean
  readonly messages: ReadonlyArray<Message>
  /** Whether the last question is being answered. The message after that question, if any, is the answer so far. */
  readonly running: boolean
  /** When the messages last changed, in milliseconds since 1970; 0 for a conversation that was never used. */
  readonly updated: number
  /** Whether the panel is open. */
  readonly open: boolean
  /** The message that is typed but not sent. */
  readonly draft: string
}

/** The key of an instance's conversation in `sessionStorage`, and the name of the channel between tabs. */
export const nameOf = (instance: string): string => `hydracore-chat:${instance}`

/** Returns the stored JSON, or null. */
export const loadJson = (instance: string): string | null => {
  try {
    return sessionStorage.getItem(nameOf(instance))
  } catch {
    return null
  }
}

export const empty: Conversation = {
  id: null,
  memory: false,
  messages: [],
  running: false,
  updated: 0,
  open: false,
  draft: ""
}

/** Cuts long texts, and returns the last messages that fit `maxMessages` and `maxStored`, but at least one message. Pure. */
export const limitMessages = (messages: ReadonlyArray<Message>): ReadonlyArray<Message> => {
  const last = messages
    .slice(-Limits.maxMessages)
    .map((message) => ({ ...message, text: message.text.slice(0, Limits.maxStored) }))
  let units = 1
  const lastDropped = last.findLastIndex((message) => {
    // A comma or a bracket follows each message.
    units += JSON.stringify(message).length + 1
    return units > Limits.maxStored
  })
  return last.slice(Math.min(lastDropped + 1, last.length - 1))
}

const readMessage = (value: Record<string, unknown> | null): Message => {
  const { ended, id, rating, role, sources, text: content } = value ?? {}
  const reason = ended as Message["ended"] | null
  return {
    role: role === "user" ? "user" : "agent",
    text: text(content),
    ended: reason === "stopped" || text(reason?.kind) ? reason! : undefined,
    ...(text(id) && { id: text(id) }),
    ...(Array.isArray(sources) && { sources: sources.slice(0, Limits.maxSources).map(sourceFrom) }),
    ...((rating === "up" || rating === "down") && { rating })
  }
}

/**
 * Parses an encoded conversation. Returns an empty one if the JSON is invalid or has no list of messages. Any other invalid
 * value counts as missing. Pure.
 */
export const parse = (encoded: string | null): Conversation => {
  try {
    const { draft, id, memory, messages, open, running, updated } = JSON.parse(encoded ?? "") as Record<string, unknown>
    return {
      id: text(id) || null,
      memory: memory === true,
      messages: limitMessages((messages as Array<Record<string, unknown> | null>).map(readMessage)),
      running: running === true,
      updated: Number(updated) || 0,
      open: open === true,
      draft: text(draft)
    }
  } catch {
    return empty
  }
}

/** Encodes a conversation for the storage and for other tabs. Pure. */
export const encode = (conversation: Conversation): string =>
  JSON.stringify({ ...conversation, messages: limitMessages(conversation.messages) })

export const load = (instance: string): Conversation => parse(loadJson(instance))

export const save = (instance: string, json: string): void => {
  try {
    sessionStorage.setItem(nameOf(instance), json)
  } catch {
    // Storage is blocked or full: the conversation continues without it.
  }
}

/** How an answer is received. `wait` leaves the reception to another tab. */
export type Mode = "send" | "resume" | "wait"

export interface Continuation {
  /** The messages without the running answer. */
  readonly messages: ReadonlyArray<Message>
  /** The question whose answer is to be received, the way to receive it, and the answer so far. */
  readonly running?: {
    readonly question: string
    readonly mode: Mode
    readonly partial: Message | undefined
  }
}

/**
 * Decides how a conversation from the storage or of another tab continues. Pure.
 *
 * @param isOfAnotherTab whether another tab receives the running answer, if there is one
 */
export const continuationOf = (
  { id, memory, messages, running }: Conversation,
  isOfAnotherTab: boolean
): Continuation => {
  const last = messages.at(-1)
  const partial = last?.role === "agent" ? last : undefined
  const completed = partial === undefined ? messages : messages.slice(0, -1)
  const question = completed.at(-1)
  if (!running || question?.role !== "user") return { messages }
  const isAccepted = partial?.id !== undefined || (partial?.text ?? "") !== ""
  // An answer that the edge does not store ends when the page that receives it closes.
  if (isAccepted && !memory && !isOfAnotherTab) return { messages }
  const canResume = memory && id !== null && (isAccepted || !isOfAnotherTab)
  const mode = canResume ? "resume" : isOfAnotherTab ? "wait" : "send"
  return { messages: completed, running: { question: question.text, mode, partial } }
}
