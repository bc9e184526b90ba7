/**
 * `POST …/openai/v1/chat/completions`, `GET …/openai/v1/models` and `GET …/openai/v1/models/{model}`: an instance's agent for
 * clients of OpenAI's API.
 *
 * A client sends its whole conversation with each request. Only `metadata.conversation_id` identifies its conversation.
 *
 * @module
 */
import { Clock, Duration, Effect } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { Api } from "../api/Api.ts"
import type * as ChatEndpoint from "./ChatEndpoint.ts"
import * as ChatRefusals from "./ChatRefusals.ts"
import * as ChatResponse from "./ChatResponse.ts"
import * as ClientMessages from "./ClientMessages.ts"
import { model } from "./OpenAiApi.ts"
import * as OpenAiErrors from "./OpenAiErrors.ts"
import type { Failure } from "./stream/ChatStream.ts"
import * as OpenAiCompletion from "./stream/OpenAiCompletion.ts"
import { Admitted } from "./WidgetApi.ts"

const commonFieldsOf = ({ answerId }: ChatEndpoint.OpenedAnswer, now: number): OpenAiCompletion.CommonFields => ({
  completionId: `chatcmpl-${answerId}`,
  created: Math.floor(now / 1000),
  model
})

const streamed = (includeUsage: boolean): ChatEndpoint.Reply => ({
  dialect: (answer, now) => OpenAiCompletion.chunks(commonFieldsOf(answer, now), includeUsage),
  toRefusal: OpenAiErrors.of
})

/** Failures that a retry would repeat. */
const permanent: ReadonlySet<Failure> = new Set(["agent-empty", "agent-declined", "too-long", "too-much"])

const whole: ChatEndpoint.Reply = {
  dialect: () => OpenAiCompletion.plainText,
  heartbeat: Duration.infinity,
  respond: Effect.fnUntraced(function* (chat, answer, headers) {
    const common = commonFieldsOf(answer, yield* Clock.currentTimeMillis)
    const result = yield* ChatResponse.readWhole(chat)
    if (result.finishReason !== null) {
      return HttpServerResponse.jsonUnsafe(OpenAiCompletion.completion(common, result), { headers })
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
