/**
 * The conversations of an instance as its owner reads them, in the owner API, the commands and exports, and whether the instance
 * answers its visitors, by its latest answers. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import * as LocalTime from "../../analytics/reports/LocalTime.ts"
import * as Sources from "../../analytics/reports/Sources.ts"
import { ConversationId, InstanceId, isCanonicalUuid, type WebsiteConfigId } from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import type { Position } from "../../platform/text/Cursor.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as AgentFailures from "../AgentFailures.ts"
import * as AnswerParts from "./AnswerParts.ts"
import {
  AnswerEnding,
  type ConversationKey,
  type ConversationVisit,
  type Message,
  type MessagePart
} from "./Conversation.ts"

const Part = Schema.Union([
  Schema.Struct({ type: Schema.Literal("text"), text: Schema.String }),
  Schema.Struct({
    type: Schema.Literal("source-url"),
    url: Schema.String,
    title: Schema.NullOr(Schema.String)
  })
])

const TranscriptMessage = Schema.Struct({
  id: Fields.uuid,
  role: Schema.Literals(["user", "assistant"]),
  created_at: Fields.time,
  parts: Schema.Array(Part),
  ending: Schema.optionalKey(
    Schema.NullOr(AnswerEnding).annotate({
      description: "How an answer ended; null while it is running"
    })
  ),
  rating: Schema.optionalKey(Schema.NullOr(Schema.Literals(["up", "down"]))),
  comment: Schema.optionalKey(Schema.NullOr(Schema.String))
})

export type TranscriptMessage = typeof TranscriptMessage.Type

const common = {
  conversation_id: ConversationId,
  created_at: Fields.time,
  updated_at: Fields.time.annotate({ description: "When its last message arrived or its last answer ended" }),
  page: Schema.NullOr(Schema.String).annotate({
    description: "The path of the page on which it began; null if its visit is not known"
  }),
  source: Schema.NullOr(Schema.String).annotate({
    description: "Where the visit in which it began came from, as of a submission"
  }),
  country: Schema.NullOr(Schema.String).annotate({ description: "The visitor's country, an ISO 3166 code" })
}

const exampleCommon = {
  conversation_id: ConversationId.make("9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e"),
  created_at: Fields.exampleTime,
  updated_at: "2026-11-25T09:04:00.000Z",
  page: "/tours",
  source: "news.example",
  country: "NO"
}

/** A conversation with its messages, oldest first. */
export const Transcript = Schema.Struct({ ...common, messages: Schema.Array(TranscriptMessage) }).annotate({
  identifier: "Transcript",
  examples: [
    {
      ...exampleCommon,
      messages: [
        {
          id: "0d3b7c52-6f0e-4c8e-a1d7-5e0f4b9c2a63",
          role: "user",
          created_at: Fields.exampleTime,
          parts: [{ type: "text", text: "Where can I rent a kayak?" }]
        }
      ]
    }
  ]
})

export type Transcript = typeof Transcript.Type

const waiting = Schema.Boolean.annotate({
  description:
    "Whether the conversation waits for a person: its latest answer failed, and nobody has opened the conversation since"
})

/** A conversation, and who opened it. */
export const OpenTranscript = Schema.Struct({
  ...Transcript.fields,
  waiting,
  opened_at: Fields.nullableTime.annotate({ description: "When a person last opened it; null if nobody did" }),
  opened_by: Schema.NullOr(Schema.String).annotate({
    description: "The name of that person, if it is known"
  })
}).annotate({
  identifier: "OpenTranscript",
  examples: [
    {
      ...exampleCommon,
      messages: [],
      waiting: false,
      opened_at: Fields.exampleTime,
      opened_by: "Ada"
    }
  ]
})

export type OpenTranscript = typeof OpenTranscript.Type

/** A conversation in a list. */
export const TranscriptSummary = Schema.Struct({
  ...common,
  waiting,
  messages: Schema.Int.annotate({ description: "How many messages it has, answers included" }),
  preview: Schema.String.annotate({ description: "The beginning of the visitor's first message" }),
  unanswered: Schema.Int.annotate({
    description: "How many answers broke off, or ended empty although the visitor did not end them"
  }),
  up: Schema.Int.annotate({ description: "How many answers have this rating" }),
  down: Schema.Int
})

export type TranscriptSummary = typeof TranscriptSummary.Type

export const exampleSummary: TranscriptSummary = {
  ...exampleCommon,
  waiting: false,
  messages: 4,
  preview: "Where can I rent a kayak?",
  unanswered: 0,
  up: 1,
  down: 0
}

const partOf = (part: MessagePart): typeof Part.Type =>
  part.type === "text"
    ? { type: part.type, text: part.text }
    : { type: part.type, url: part.url, title: part.title ?? null }

/** A stored message as its owner reads it. */
export const messageOf = (message: Message): TranscriptMessage => ({
  id: message.messageId,
  role: message.role,
  created_at: Calendar.iso(message.createdAt),
  parts: message.parts.map(partOf),
  ...(message.role === "assistant" ? { ending: message.ending, rating: message.rating, comment: message.comment } : {})
})

/** Selects conversations for a list or an export. An absent member selects all. */
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

/** Selects conversations for a list that can also have only those that wait for a person. */
export interface ListFilter extends Filter {
  readonly waiting?: boolean | undefined
}

/** The maximum number of an instance's conversations that are counted as waiting. */
export const maxWaiting = 1_000

export interface Page {
  readonly items: ReadonlyArray<TranscriptSummary>
  /** Null on the last page. A page may have fewer items than requested, even none, and still have a next page. */
  readonly next: Position | null
}

/** A conversation in a list of several websites. */
export interface AllSummary extends TranscriptSummary {
  readonly instanceId: InstanceId
  readonly instanceName: string
  readonly websiteConfigId: WebsiteConfigId
}

export interface AllPage {
  readonly items: ReadonlyArray<AllSummary>
  /** As that of `Page`, with an id that `placeOf` makes. */
  readonly next: Position | null
}

/** The id of a position in a list of several instances. */
export const placeOf = (instanceId: string, conversationId: string): string => `${instanceId}.${conversationId}`

/** The ids of which `placeOf` made a text. */
export const parsePlace = (text: string): ConversationKey | undefined => {
  const [instanceId, conversationId] = [text.slice(0, 36), text.slice(37)]
  return text[36] === "." && isCanonicalUuid(instanceId) && Schema.is(ConversationId)(conversationId)
    ? { instanceId: InstanceId.make(instanceId), conversationId }
    : undefined
}

/** The maximum number of conversations that are searched for one page. */
export const windowSize = 500

export const positionOf = ({
  conversation_id,
  updated_at
}: Pick<Transcript, "conversation_id" | "updated_at">): Position => ({
  time: Date.parse(updated_at),
  id: conversation_id
})

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

export const toListFilter = (
  { waiting, ...query }: TranscriptQuery & { readonly waiting?: "true" },
  timeZone: string
): ListFilter => ({ ...toFilter(query, timeZone), waiting: waiting === "true" })

/** A conversation as one line of JSON, without the end of the line. Control characters are escaped, for terminals. */
export const json = (transcript: Transcript): string => TerminalText.inertJson(JSON.stringify(transcript))

const heading = (message: TranscriptMessage): string => {
  const at = `${message.created_at.slice(0, 19).replace("T", " ")} UTC`
  if (message.role === "user") return `${at}  visitor`
  const notes = [
    message.ending === "stop" ? null : (message.ending ?? "running"),
    (message.rating ?? null) === null ? null : `rated ${message.rating}`
  ].filter((note) => note !== null)
  return `${at}  agent${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`
}

/** The lines of a text, indented so that none of them looks like a heading. */
const indented = (text: string): ReadonlyArray<string> =>
  text.split(/\r\n|\n/).map((line) => `  ${TerminalText.escape(line)}`.trimEnd())

const paragraph = (message: TranscriptMessage): string => {
  const text = AnswerParts.textOf(message.parts)
  return [
    heading(message),
    ...(text === "" ? [] : indented(text)),
    ...message.parts.flatMap((part) => (part.type === "source-url" ? indented(`Source: ${part.url}`) : [])),
    ...((message.comment ?? null) === null ? [] : indented(`Comment: ${message.comment}`))
  ]
    .map((line) => `${line}\n`)
    .join("")
}

/** What is known of the visit in which a conversation began, each on a line; empty if nothing is. */
const visitLines = ({ country, page, source }: ConversationVisit): string => {
  const lines = Object.entries({ page, source: source && Sources.nameOf(source), country }).flatMap(([name, value]) =>
    value === null ? [] : [`${name.padEnd("country".length)}  ${TerminalText.escape(value)}\n`]
  )
  return lines.length === 0 ? "" : `${lines.join("")}\n`
}

/**
 * A text to read: what is known of the visit in which it began, and a paragraph for each message, with its time and author; for an answer, also its rating, and its ending unless it is `stop`.
 * Control characters are escaped, for terminals.
 */
export const text = ({ messages, ...visit }: ConversationVisit & Pick<Transcript, "messages">): string =>
  `${visitLines(visit)}${messages.map(paragraph).join("\n")}`

export const AnswerHealth = Schema.Struct({
  answered_at: Fields.nullableTime.annotate({
    description: "When the latest answer began that its visitor got; null if there is none"
  }),
  failed: Schema.Int.annotate({
    description:
      "How many questions in a row the agent did not answer, also those that try it; 0 if it was less than two, which is no problem of the website"
  }),
  failing_since: Fields.nullableTime.annotate({ description: "When the first of these failed" })
}).annotate({
  identifier: "AnswerHealth",
  examples: [{ answered_at: Fields.exampleTime, failed: 0, failing_since: null }]
})

export type AnswerHealth = typeof AnswerHealth.Type

/** The maximum number of conversations in which the latest answer is searched. */
export const healthWindow = 20

/**
 * Whether an assistant answers, as the problems of its website say it.
 *
 * @param answeredAt when the latest answer began that its visitor got, in milliseconds since 1970; null if there is none
 * @param failures the stored failures since its last answer; null if there are none
 */
export const healthOf = (
  answeredAt: number | null,
  failures: Pick<AgentFailures.Series, "since" | "times"> | null
): AnswerHealth => {
  const failing = failures !== null && AgentFailures.isFailing(failures) ? failures : null
  return {
    answered_at: Calendar.isoOrNull(answeredAt),
    failed: failing?.times ?? 0,
    failing_since: Calendar.isoOrNull(failing?.since ?? null)
  }
}
