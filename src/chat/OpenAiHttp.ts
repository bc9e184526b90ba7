/**
 * `POST …/openai/v1/chat/completions`, `GET …/openai/v1/models` and `GET …/openai/v1/models/{model}`: an instance's agent for
 * clients of OpenAI's API.
 *
 * A client sends its whole conversation with each request. Only `metadata.conversation_id` identifies its conversation.
 *
 * A stream has a chunk with the role, a chunk for each delta of text, a chunk with the sources (`annotations`) if there are
 * any, a chunk with the `finish_reason`, a chunk with the usage if the client requested it and the agent reported it, and
 * `[DONE]`. If the answer fails, an `error`, which OpenAI's clients throw, replaces all chunks after the text. Activities
 * have no chunk.
 *
 * @module
 */
import { Clock, Duration, Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { Api } from "../api/Api.ts"
import type { FinishReason } from "./agent/Agent.ts"
import type * as ChatEndpoint from "./ChatEndpoint.ts"
import * as ChatRefusals from "./ChatRefusals.ts"
import * as ChatResponse from "./ChatResponse.ts"
import * as ChatStream from "./ChatStream.ts"
import { doneEvent, event, type Failure } from "./ChatStream.ts"
import * as ClientMessages from "./ClientMessages.ts"
import { model } from "./OpenAiApi.ts"
import * as OpenAiErrors from "./OpenAiErrors.ts"
import { Admitted } from "./WidgetApi.ts"

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

/**
 * The stream of chunks. All sources are sent at once at the end: clients keep the last list only.
 *
 * @param includeUsage whether the client requested the usage (`stream_options.include_usage`)
 */
export const chunks = ({ completionId, created, model }: CommonFields, includeUsage: boolean): ChatStream.Dialect => {
  const chunk = (choices: ReadonlyArray<unknown>, usage: object | null): string =>
    event({
      id: completionId,
      object: "chat.completion.chunk",
      created,
      model,
      choices,
      ...(includeUsage ? { usage } : {})
    })
  const choice = (delta: object, finish_reason: string | null = null): string =>
    chunk([{ index: 0, delta, logprobs: null, finish_reason }], null)
  return {
    start: () => choice({ role: "assistant", content: "" }),
    textDelta: (_, content) => choice({ content }),
    finished: (reason, sources, usage) => {
      const citations = sources.length === 0 ? "" : choice({ annotations: sources.map(annotationOf) })
      const total = includeUsage && usage !== null ? chunk([], usageOf(usage)) : ""
      return citations + choice({}, finishReasons[reason]) + total + doneEvent
    },
    failed: (failure) => {
      const message = ChatStream.sentences[failure]
      return event({ error: { message, type: "server_error", code: failure, param: null } }) + doneEvent
    }
  }
}

/** Only the text of an answer, for a client that requests the whole answer at once. */
export const plainText: ChatStream.Dialect = { textDelta: (_, delta) => delta }

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

const commonFieldsOf = ({ answerId }: ChatEndpoint.OpenedAnswer, now: number): CommonFields => ({
  completionId: `chatcmpl-${answerId}`,
  created: Math.floor(now / 1000),
  model
})

const streamed = (includeUsage: boolean): ChatEndpoint.Reply => ({
  dialect: (answer, now) => chunks(commonFieldsOf(answer, now), includeUsage),
  toRefusal: OpenAiErrors.of
})

/** Failures that a retry would repeat. */
const permanent: ReadonlySet<Failure> = new Set(["agent-empty", "agent-declined", "too-long", "too-much"])

const whole: ChatEndpoint.Reply = {
  dialect: () => plainText,
  heartbeat: Duration.infinity,
  respond: Effect.fnUntraced(function* (chat, answer, headers) {
    const common = commonFieldsOf(answer, yield* Clock.currentTimeMillis)
    const result = yield* ChatResponse.readWhole(chat)
    if (result.finishReason !== null) {
      return HttpServerResponse.jsonUnsafe(completion(common, result), { headers })
    }
    const failure = result.failure ?? "internal"
    const response = OpenAiErrors.from(ChatRefusals.ofFailure(failure, headers))
    return permanent.has(failure) ? OpenAiErrors.withoutRetry(response) : response
  }),
  toRefusal: OpenAiErrors.of
}

const modelObject = { id: model, object: "model" as const, created: 0, owned_by: "hydracore" }

/** Serves the contract's group. */
export const layer = ({ answer }: ChatEndpoint.ChatEndpoint) =>
  HttpApiBuilder.group(Api, "openai", (handlers) =>
    handlers
      .handle("completions", ({ payload }) => {
        const isStreamed = payload.stream === true
        // OpenAI always reports the usage of a whole answer.
        const wantsUsage = !isStreamed || payload.stream_options?.include_usage === true
        return Effect.matchEffect(Effect.fromResult(ClientMessages.conversationOf(payload.messages)), {
          onFailure: ChatRefusals.invalid,
          onSuccess: (conversation) =>
            answer(
              {
                _tag: "Conversation",
                conversationId: payload.metadata?.conversation_id ?? undefined,
                conversation,
                kind: "new",
                targetId: null,
                isKnownComplete: false,
                isResumable: false,
                wantsUsage
              },
              isStreamed ? streamed(wantsUsage) : whole
            )
        })
      })
      .handle("models", () =>
        Effect.map(Admitted, ({ headers }) =>
          HttpApiSchema.withHeaders({ body: { object: "list" as const, data: [modelObject] }, headers })
        )
      )
      .handle("model", ({ params }) =>
        Effect.map(Admitted, ({ headers }) =>
          params.model === model
            ? HttpApiSchema.withHeaders({ body: modelObject, headers })
            : OpenAiErrors.unknownModel(headers)
        )
      )
  )
