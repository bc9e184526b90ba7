/**
 * The UI message stream of the AI SDK, version 1, in Server-Sent Events: the chat's own protocol. Pure.
 *
 * A stream has `start`; texts, each of which is a `text-start`, one or more `text-delta` and a `text-end`; `source-url` and
 * transient `data-activity` parts; at most one `error`; `finish`; and `[DONE]`.
 *
 * @module
 */
import type { FinishReason } from "../agent/Agent.ts"
import type { AgentActivity } from "../agent/AgentActivity.ts"
import { type Dialect, type Failure, type Source, sentences } from "./ChatStream.ts"
import { doneEvent, event } from "./EventStream.ts"

export interface Names {
  readonly messageId: string
  /** The id that the client sends with its next message. */
  readonly conversationId: string
  /** Whether the edge keeps the conversation. */
  readonly memory: boolean
}

const headers = { "x-vercel-ai-ui-message-stream": "v1" }

const finish = (finishReason: FinishReason | "error"): string => event({ type: "finish", finishReason }) + doneEvent

export class UiMessageStream implements Dialect {
  private readonly names: Names

  constructor(names: Names) {
    this.names = names
  }

  get headers() {
    return headers
  }

  start(): string {
    const { conversationId, memory, messageId } = this.names
    return event({ type: "start", messageId, messageMetadata: { conversation_id: conversationId, memory } })
  }

  textStart(id: string): string {
    return event({ type: "text-start", id })
  }

  /** Called for every token. Returns the same text as `event`, and takes a quarter less time. */
  textDelta(id: string, delta: string): string {
    return `data: {"type":"text-delta","id":${JSON.stringify(id)},"delta":${JSON.stringify(delta)}}\n\n`
  }

  textEnd(id: string): string {
    return event({ type: "text-end", id })
  }

  source({ sourceId, title, url }: Source): string {
    return event({ type: "source-url", sourceId, url, ...(title === null ? {} : { title }) })
  }

  /** Transient: the AI SDK does not keep it in the message. */
  activityStart(activity: AgentActivity): string {
    return event({ type: "data-activity", data: { activity }, transient: true })
  }

  /** No frame, because the next part ends the activity. */
  activityEnd(): string {
    return ""
  }

  finished(reason: FinishReason): string {
    return finish(reason)
  }

  failed(failure: Failure): string {
    return event({ type: "error", errorText: sentences[failure] }) + finish("error")
  }
}
