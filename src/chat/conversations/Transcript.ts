/**
 * The conversations of an instance as its owner reads them. Pure.
 *
 * @module
 */

import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import type { Position } from "../../platform/text/Cursor.ts"
import { contains } from "../../platform/text/Text.ts"
import * as AnswerParts from "./AnswerParts.ts"
import type { AgentAnswer, Conversation, ConversationSummary, Message } from "./Conversation.ts"

/** A conversation in a list. */
export interface TranscriptSummary extends ConversationSummary {
  /** The beginning of the visitor's first message, on one line. */
  readonly preview: string
  /** How many answers the visitor did not get; see `isMissing`. */
  readonly unanswered: number
  /** How many answers were rated `up`, and how many `down`. */
  readonly up: number
  readonly down: number
}

/** Selects conversations for a list. An absent member selects all. */
export interface Filter {
  /**
   * A text that occurs in a message, in the URL or title of one of its sources, or in a comment. Case does not matter; for
   * letters outside ASCII, this depends on the store.
   */
  readonly search?: string | undefined
  /** True selects conversations with an answer that the visitor did not get. */
  readonly unanswered?: boolean | undefined
  /** Selects conversations with an answer of this rating. */
  readonly rating?: "up" | "down" | undefined
  /** Selects conversations whose `updatedAt` is at this time or later, in milliseconds since 1970. */
  readonly since?: number | undefined
  /** Selects conversations whose `updatedAt` is before this time, in milliseconds since 1970. */
  readonly before?: number | undefined
}

export interface Page {
  readonly items: ReadonlyArray<TranscriptSummary>
  /** Null on the last page. A page may have fewer items than requested, even none, and still have a next page. */
  readonly next: Position | null
}

/** The maximum number of conversations that are searched for one page. */
export const windowSize = 500

export const positionOf = ({
  conversationId,
  updatedAt
}: Pick<Conversation, "conversationId" | "updatedAt">): Position => ({ time: updatedAt, id: conversationId })

const isAnswer = (message: Message): message is AgentAnswer => message.role === "assistant"

/** The endings of an answer that the visitor ended. Such an answer is not missing, even if it is empty. */
export const endedByVisitor = ["stopped", "superseded"] as const

/** The endings of an answer that broke off. */
export const brokenOff = ["failed", "cut"] as const

/** Whether the visitor did not get an answer: it broke off, or it ended empty although the visitor did not end it. */
export const isMissing = ({ ending, parts }: Pick<AgentAnswer, "ending" | "parts">): boolean =>
  ending !== null &&
  ((brokenOff as ReadonlyArray<string>).includes(ending) ||
    (!(endedByVisitor as ReadonlyArray<string>).includes(ending) && AnswerParts.sizeOf(parts) === 0))

const maxPreview = 200

/** The beginning of a message on one line. */
export const preview = (text: string): string => {
  const line = text
    .slice(0, 4 * maxPreview)
    .toWellFormed()
    .replace(/\s+/g, " ")
    .trim()
  return line.length > maxPreview ? `${line.slice(0, maxPreview - 1).toWellFormed()}…` : line
}

const hasText = (message: Message, search: string): boolean =>
  message.parts.some((part) =>
    part.type === "text"
      ? contains(part.text, search)
      : contains(part.url, search) || contains(part.title ?? null, search)
  ) ||
  (isAnswer(message) && contains(message.comment, search))

/** Whether a list with this filter contains the conversation. */
export const matches = (
  { messages, updatedAt }: Pick<Conversation, "messages" | "updatedAt">,
  { before, rating, search, since, unanswered }: Filter
): boolean =>
  (since === undefined || updatedAt >= since) &&
  (before === undefined || updatedAt < before) &&
  (unanswered !== true || messages.some((message) => isAnswer(message) && isMissing(message))) &&
  (rating === undefined || messages.some((message) => isAnswer(message) && message.rating === rating)) &&
  (search === undefined || messages.some((message) => hasText(message, search)))

export const toSummary = ({ messages, ...conversation }: Conversation): TranscriptSummary => {
  const answers = messages.filter(isAnswer)
  return {
    ...conversation,
    messages: messages.length,
    preview: preview(AnswerParts.textOf(messages.find(({ role }) => role === "user")?.parts ?? [])),
    unanswered: answers.filter(isMissing).length,
    up: answers.filter(({ rating }) => rating === "up").length,
    down: answers.filter(({ rating }) => rating === "down").length
  }
}

export interface TranscriptQuery {
  readonly search?: string
  readonly unanswered?: "true"
  readonly rating?: "up" | "down"
  /** The first and the last day, `YYYY-MM-DD`, in the website's time zone. */
  readonly from?: string
  readonly to?: string
}

export const toFilter = ({ from, rating, search, to, unanswered }: TranscriptQuery, timeZone: string): Filter => ({
  search,
  unanswered: unanswered === "true" ? true : undefined,
  rating,
  ...LocalTime.boundsOf({ from, to }, timeZone)
})
