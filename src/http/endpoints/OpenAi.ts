/**
 * `POST …/openai/v1/chat/completions`, `GET …/openai/v1/models` and `GET …/openai/v1/models/{model}`: an instance's agent for clients of OpenAI's API.
 *
 * A client sends its whole conversation with each request. Only `metadata.conversation_id` identifies its conversation.
 *
 * @module
 */
import { Clock, Duration, Effect, Option, Result } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import * as ClientMessages from "../../contract/chat/ClientMessages.ts"
import { CompletionPayload, model } from "../../contract/chat/OpenAi.ts"
import type { Failure } from "../../core/chat/stream/ChatStream.ts"
import * as OpenAiCompletion from "../../core/chat/stream/OpenAiCompletion.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import { isCanonicalUuid, parseUuid } from "../../core/text/Uuid.ts"
import { WidgetTokens } from "../../services/chat/WidgetTokens.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import type { OpenedAnswer } from "../chat/SendQuestion.ts"
import * as WholeAnswer from "../chat/WholeAnswer.ts"
import * as ErrorMapping from "../request/ErrorMapping.ts"
import * as ErrorResponses from "../request/ErrorResponses.ts"
import * as InstanceCheck from "../request/InstanceCheck.ts"
import * as RateLimitCheck from "../request/RateLimitCheck.ts"
import * as RequestHead from "../request/RequestHead.ts"
import * as ChatEndpoint from "./ChatEndpoint.ts"
import * as OpenAiErrors from "./OpenAiErrors.ts"

const readPayload = BodyReader.make(CompletionPayload)

const tokenOf = ({ headers }: RequestHead.RequestHead): string =>
  /^bearer +(\S+)$/i.exec(headers["authorization"] ?? "")?.[1] ?? ""

/** The canonical id of an instance; null if the text is not an id. */
const instanceOf = (id: string): string | null =>
  isCanonicalUuid(id) ? id : Option.getOrNull(Result.getSuccess(parseUuid(id)))

const commonFieldsOf = ({ answerId }: OpenedAnswer): Effect.Effect<OpenAiCompletion.CommonFields> =>
  Effect.map(Clock.currentTimeMillis, (now) => ({
    completionId: `chatcmpl-${answerId}`,
    created: Math.floor(now / 1000),
    model
  }))

const streamed =
  (stream: ChatEndpoint.Stream, includeUsage: boolean): ChatEndpoint.Respond =>
  (answer, headers) =>
    Effect.flatMap(commonFieldsOf(answer), (common) =>
      stream(() => new OpenAiCompletion.OpenAiCompletionStream(common, includeUsage))(answer, headers)
    )

/** Failures that a retry would repeat. */
const permanent: ReadonlySet<Failure> = new Set(["agent-empty", "agent-declined", "too-long", "too-much"])

const whole = (stream: ChatEndpoint.Stream): ChatEndpoint.Respond =>
  Effect.fnUntraced(function* (answer, headers) {
    const common = yield* commonFieldsOf(answer)
    const { chat } = yield* stream(() => OpenAiCompletion.plainText, Duration.infinity)(answer, headers)
    const result = yield* WholeAnswer.read(chat)
    if (result.finishReason !== null) {
      return HttpServerResponse.jsonUnsafe(OpenAiCompletion.completion(common, result), { headers })
    }
    const failure = result.failure ?? "internal"
    const response = OpenAiErrors.from(ErrorResponses.failed(failure, headers))
    return permanent.has(failure) ? OpenAiErrors.withoutRetry(response) : response
  })

const api = (stream: ChatEndpoint.Stream): ChatEndpoint.ClientApi => ({
  token: tokenOf,
  read: (body) =>
    Result.flatMap(readPayload(body), (payload) => {
      const isStreamed = payload.stream === true
      // OpenAI always reports the usage of a whole answer.
      const wantsUsage = !isStreamed || payload.stream_options?.include_usage === true
      return Result.map(ClientMessages.conversationOf(payload.messages), (conversation) => ({
        question: {
          _tag: "Conversation",
          conversationId: payload.metadata?.conversation_id ?? undefined,
          conversation,
          kind: "new",
          targetId: null,
          isKnownComplete: false,
          isResumable: false,
          wantsUsage
        },
        respond: isStreamed ? streamed(stream, wantsUsage) : whole(stream)
      }))
    }),
  toRefusal: (response, error) => (error === undefined ? OpenAiErrors.from(response) : OpenAiErrors.of(error, response))
})

const modelObject = { id: model, object: "model", created: 0, owned_by: "hydracore" }

const modelList = { object: "list", data: [modelObject] }

export interface Options {
  /** Limits the requests for the models. `ChatEndpoint` limits the completions. */
  readonly rateLimit: Option.Option<RateLimitPolicy>
}

/** Serves the contract's group. */
export const layer = (options: Options) =>
  HttpApiBuilder.group(
    Api,
    "openai",
    Effect.fnUntraced(function* (handlers) {
      const { make, stream } = yield* ChatEndpoint.ChatEndpoint
      const openAi = api(stream)
      const complete = make(ChatEndpoint.only(openAi))
      const admit = InstanceCheck.make(RateLimitCheck.make(yield* RateLimiter, options.rateLimit), yield* WidgetTokens)
      const unknownInstance = OpenAiErrors.from(ErrorResponses.unauthorized())
      /** Answers a request that reads, if it is admitted. */
      const read = (
        request: HttpServerRequest.HttpServerRequest,
        id: string,
        respond: (headers: RateLimitCheck.LimitHeaders) => HttpServerResponse.HttpServerResponse
      ): Effect.Effect<HttpServerResponse.HttpServerResponse> => {
        const instanceId = instanceOf(id)
        if (instanceId === null) return Effect.succeed(unknownInstance)
        const head = RequestHead.fromRequest(request)
        return Effect.map(
          admit(
            { head, instanceId, token: tokenOf(head) },
            (_, headers) => Effect.succeed(respond(headers)),
            ErrorMapping.ofUnavailable
          ),
          // `respond` answers 200 and 404, and `admit` neither.
          (response) => (response.status === 200 || response.status === 404 ? response : OpenAiErrors.from(response))
        )
      }
      return handlers
        .handleRaw("completions", ({ params, request }) => {
          const instanceId = instanceOf(params.instance_id)
          return instanceId === null
            ? Effect.succeed(unknownInstance)
            : ChatEndpoint.answerRequest(request, instanceId, complete, openAi)
        })
        .handleRaw("models", ({ params, request }) =>
          read(request, params.instance_id, (headers) => HttpServerResponse.jsonUnsafe(modelList, { headers }))
        )
        .handleRaw("model", ({ params, request }) =>
          read(request, params.instance_id, (headers) =>
            params.model === model
              ? HttpServerResponse.jsonUnsafe(modelObject, { headers })
              : OpenAiErrors.unknownModel(headers)
          )
        )
    })
  )
