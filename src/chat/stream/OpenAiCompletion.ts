/**
 * The chat completions of OpenAI's API: a stream of chunks in Server-Sent Events, or one object. Pure.
 *
 * A stream has a chunk with the role, a chunk for each delta of text, a chunk with the sources (`annotations`) if there are
 * any, a chunk with the `finish_reason`, a chunk with the usage if the client requested it and the agent reported it, and
 * `[DONE]`. If the answer fails, an `error`, which OpenAI's clients throw, replaces all chunks after the text. Activities
 * have no chunk.
 *
 * @module
 */
import type { FinishReason } from "../agent/Agent.ts"
import * as ChatStream from "./ChatStream.ts"
import { doneEvent, event } from "./ChatStream.ts"

/** What all chunks of a completion share. */
export interface CommonFields {
  readonly completionId: string
  /** Seconds since 1970. */
  readonly created: number
  readonly model: string
}

const finishReasons = {
  stop: "stop",
  length: "length",
  "content-filter": "content_filter",
  other: "stop"
} as const satisfies Record<FinishReason, string>

const usageOf = ({ inputTokens, outputTokens }: ChatStream.Usage) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens
})

/** The cited range is empty, because the position in the text is not known. */
const annotationOf = ({ title, url }: ChatStream.Source) => ({
  type: "url_citation",
  url_citation: { url, title: title ?? url, start_index: 0, end_index: 0 }
})

const noHeaders = {}

/** The stream of chunks. */
export class OpenAiCompletionStream implements ChatStream.Dialect {
  private readonly common: CommonFields
  private readonly includeUsage: boolean

  /** @param includeUsage whether the client requested the usage (`stream_options.include_usage`) */
  constructor(common: CommonFields, includeUsage: boolean) {
    this.common = common
    this.includeUsage = includeUsage
  }

  get headers() {
    return noHeaders
  }

  start(): string {
    return this.choice({ role: "assistant", content: "" })
  }

  textStart(): string {
    return ""
  }

  textDelta(_textId: string, content: string): string {
    return this.choice({ content })
  }

  textEnd(): string {
    return ""
  }

  /** All sources are sent at once at the end: clients keep the last list only. */
  source(): string {
    return ""
  }

  activityStart(): string {
    return ""
  }

  activityEnd(): string {
    return ""
  }

  finished(reason: FinishReason, sources: ReadonlyArray<ChatStream.Source>, usage: ChatStream.Usage | null): string {
    const citations = sources.length === 0 ? "" : this.choice({ annotations: sources.map(annotationOf) })
    const total = this.includeUsage && usage !== null ? this.chunk([], usageOf(usage)) : ""
    return citations + this.choice({}, finishReasons[reason]) + total + doneEvent
  }

  failed(failure: ChatStream.Failure): string {
    const message = ChatStream.sentences[failure]
    return event({ error: { message, type: "server_error", code: failure, param: null } }) + doneEvent
  }

  private choice(delta: object, finish_reason: string | null = null): string {
    return this.chunk([{ index: 0, delta, logprobs: null, finish_reason }], null)
  }

  private chunk(choices: ReadonlyArray<unknown>, usage: object | null): string {
    const { completionId, created, model } = this.common
    return event({
      id: completionId,
      object: "chat.completion.chunk",
      created,
      model,
      choices,
      ...(this.includeUsage ? { usage } : {})
    })
  }
}

/** Only the text of an answer, for a client that requests the whole answer at once. */
export const plainText: ChatStream.Dialect = {
  headers: noHeaders,
  start: () => "",
  textStart: () => "",
  textDelta: (_textId, delta) => delta,
  textEnd: () => "",
  source: () => "",
  activityStart: () => "",
  activityEnd: () => "",
  finished: () => "",
  failed: () => ""
}

/** The completion object of an answer that finished. */
export const completion = (
  { completionId, created, model }: CommonFields,
  {
    finishReason,
    sources,
    text,
    usage
  }: Pick<ChatStream.State, "finishReason" | "sources" | "usage"> & {
    readonly text: string
  }
) => ({
  id: completionId,
  object: "chat.completion",
  created,
  model,
  choices: [
    {
      index: 0,
      message: {
        role: "assistant",
        content: text,
        refusal: null,
        ...(sources.length === 0 ? {} : { annotations: sources.map(annotationOf) })
      },
      logprobs: null,
      finish_reason: finishReasons[finishReason ?? "other"]
    }
  ],
  ...(usage === null ? {} : { usage: usageOf(usage) })
})
