/**
 * A client of conversations with memory: sends messages, resumes and stops answers, and reads conversations, on any process.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Schema } from "effect"
import type * as Load from "./Load.ts"

type Target = Pick<Load.Target, "instanceId" | "widgetToken">

const Conversation = Schema.Struct({
  messages: Schema.Array(
    Schema.Struct({
      role: Schema.Literals(["user", "assistant"]),
      parts: Schema.Array(Schema.Struct({ type: Schema.String, text: Schema.optionalKey(Schema.String) })),
      metadata: Schema.Struct({ ending: Schema.optionalKey(Schema.NullOr(Schema.String)) })
    })
  )
})

const Frame = Schema.fromJsonString(
  Schema.Struct({
    type: Schema.String,
    delta: Schema.optionalKey(Schema.String),
    finishReason: Schema.optionalKey(Schema.String),
    messageId: Schema.optionalKey(Schema.String),
    messageMetadata: Schema.optionalKey(Schema.Struct({ conversation_id: Schema.String }))
  })
)

const decodeFrame = Schema.decodeUnknownSync(Frame)

/** The complete frames of an event stream, without comments and `[DONE]`. */
const framesOf = (text: string) =>
  text
    .split("\n\n")
    .slice(0, -1)
    .flatMap((event) => event.split("\n"))
    .flatMap((line) => (line.startsWith("data: {") ? [decodeFrame(line.slice("data: ".length))] : []))

/** Reads a stream of frames while it arrives. */
export class Reading {
  /** 0 until the response has begun. */
  status = 0
  text = ""
  private readonly aborting = new AbortController()
  /** Completes at the end of the response. Rejects if the connection breaks. */
  readonly ended: Promise<void>

  constructor(url: string, init: RequestInit) {
    this.ended = this.read(url, init)
    // Prevents an unhandled rejection if the test does not await `ended`.
    this.ended.catch(() => {})
  }

  private async read(url: string, init: RequestInit): Promise<void> {
    const response = await fetch(url, { ...init, signal: this.aborting.signal })
    this.status = response.status
    for await (const part of response.body?.pipeThrough(new TextDecoderStream()) ?? []) this.text += part
  }

  /** Closes the connection. */
  leave(): void {
    this.aborting.abort()
  }

  /** What the agent said. */
  get spoken(): string {
    return framesOf(this.text)
      .map(({ delta }) => delta ?? "")
      .join("")
  }

  get conversationId(): string {
    return framesOf(this.text)[0]?.messageMetadata?.conversation_id ?? ""
  }

  get messageId(): string {
    return framesOf(this.text)[0]?.messageId ?? ""
  }

  /** The reason in the last frame; undefined while the answer runs. */
  get finishReason(): string | undefined {
    return this.isDone ? framesOf(this.text).at(-1)?.finishReason : undefined
  }

  get isDone(): boolean {
    return this.text.endsWith("data: [DONE]\n\n")
  }
}

const headersOf = ({ widgetToken }: Target) => ({ "content-type": "application/json", "x-widget-token": widgetToken })

const pathOf = (url: string, { instanceId }: Target) => `${url}/v1/public/widget/${instanceId}/chat`

/** Sends a message; without `conversationId`, it begins a conversation. */
export const send = (url: string, target: Target, message: string, conversationId?: string): Reading =>
  new Reading(pathOf(url, target), {
    method: "POST",
    headers: headersOf(target),
    body: JSON.stringify({ message, ...(conversationId === undefined ? {} : { conversation_id: conversationId }) })
  })

/** Resumes the running answer. */
export const resume = (url: string, target: Target, conversationId: string): Reading =>
  new Reading(`${pathOf(url, target)}/${conversationId}/stream`, { headers: headersOf(target) })

/** Stops the running answer, and returns the status. */
export const stop = (url: string, target: Target, conversationId: string): Promise<number> =>
  fetch(`${pathOf(url, target)}/${conversationId}/stop`, { method: "POST", headers: headersOf(target) }).then(
    ({ status }) => status
  )

/** One message of a conversation. */
export interface Line {
  readonly role: "user" | "assistant"
  readonly text: string
  /** How an answer ended: null while it runs, undefined for a visitor's message. */
  readonly ending: string | null | undefined
}

/** The messages of a conversation. */
export const read = async (url: string, target: Target, conversationId: string): Promise<ReadonlyArray<Line>> => {
  const response = await fetch(`${pathOf(url, target)}/${conversationId}`, { headers: headersOf(target) })
  assert.equal(response.status, 200)
  const { messages } = Schema.decodeUnknownSync(Conversation)(await response.json())
  return messages.map(({ metadata, parts, role }) => ({
    role,
    text: parts.map((part) => (part.type === "text" ? (part.text ?? "") : "")).join(""),
    ending: metadata.ending
  }))
}

/** The last answer of a conversation. */
export const lastAnswer = async (url: string, target: Target, conversationId: string): Promise<Line> => {
  const lines = await read(url, target, conversationId)
  const answer = lines.findLast(({ role }) => role === "assistant")
  assert.ok(answer)
  return answer
}
