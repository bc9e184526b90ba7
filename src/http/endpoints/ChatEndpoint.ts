/**
 * The chat endpoints, for all client APIs. Each reads a question, counts it against the rate limit, checks the token and
 * the page's origin, sends the question to the instance's agent, and sends the answer as a stream or whole.
 *
 * Each API is a `ClientApi`. All of them share the rate limit and the limits on open streams.
 *
 * @module
 */
import { Context, type Duration, Effect, Layer, Option, Result, type Scope } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import type { ValidationError } from "../../contract/Errors.ts"
import type { Instance } from "../../core/chat/Instance.ts"
import type * as ChatStream from "../../core/chat/stream/ChatStream.ts"
import { UiMessageStream } from "../../core/chat/stream/UiMessageStream.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as InFlightLimit from "../../platform/http/InFlightLimit.ts"
import * as RequestBody from "../../platform/http/RequestBody.ts"
import type { AgentRefusal } from "../../services/chat/AgentStream.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { WidgetTokens } from "../../services/chat/WidgetTokens.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import { Decisions } from "../../services/sites/Decisions.ts"
import * as ChatResponse from "../chat/ChatResponse.ts"
import { Drain } from "../chat/Drain.ts"
import * as OpenChats from "../chat/OpenChats.ts"
import type { Question } from "../chat/Question.ts"
import * as SendQuestion from "../chat/SendQuestion.ts"
import { StreamSlots } from "../chat/StreamSlots.ts"
import * as ErrorMapping from "../request/ErrorMapping.ts"
import * as ErrorResponses from "../request/ErrorResponses.ts"
import * as OriginCheck from "../request/OriginCheck.ts"
import * as RateLimitCheck from "../request/RateLimitCheck.ts"
import * as RequestHead from "../request/RequestHead.ts"

type Response = HttpServerResponse.HttpServerResponse

/** A started chat, or a whole response. */
export type Answer = Response | ChatResponse.StartedChat

/** Makes the response for an answer that has begun. `headers` are those of the rate limit. */
export type Respond = (
  answer: SendQuestion.OpenedAnswer,
  headers: RateLimitCheck.LimitHeaders
) => Effect.Effect<Answer, AgentRefusal, Scope.Scope>

/** Begins the event stream of an answer in the client's protocol. A stream that is silent for `heartbeat` gets a comment. */
export type Stream = (
  dialect: (answer: SendQuestion.OpenedAnswer) => ChatStream.Dialect,
  heartbeat?: Duration.Input
) => (
  answer: SendQuestion.OpenedAnswer,
  headers: RateLimitCheck.LimitHeaders
) => Effect.Effect<ChatResponse.StartedChat, AgentRefusal, Scope.Scope>

/** The published protocol. */
export const uiMessageStream = ({
  answerId,
  conversationId,
  hasMemory
}: SendQuestion.OpenedAnswer): ChatStream.Dialect =>
  new UiMessageStream({ messageId: answerId, conversationId, memory: hasMemory })

/** A question, and how its answer is sent. */
export interface Request {
  readonly question: Question
  readonly respond: Respond
}

/** The API that a kind of client uses. */
export interface ClientApi {
  /** The widget token of a request; empty if it has none. */
  readonly token: (head: RequestHead.RequestHead) => string
  readonly read: (body: unknown) => Result.Result<Request, ReadonlyArray<ValidationError>>
  /** Converts a response of `ErrorResponses`, for an error of a question if there is one, to the form that the client reads. */
  readonly toRefusal: (response: Response, error?: SendQuestion.SendError) => Response
}

/** Chooses the API of a request. */
export interface ClientApis {
  readonly of: (body: unknown) => ClientApi
  /** For a body that is not JSON, or that is not parsed because the client or the process is over a limit. */
  readonly guess: (bytes: Uint8Array) => ClientApi
}

/** For an endpoint with a single API. */
export const only = (api: ClientApi): ClientApis => ({ of: () => api, guess: () => api })

/** The widget token of the `X-Widget-Token` header. */
export const widgetToken = ({ headers }: RequestHead.RequestHead): string => headers["x-widget-token"] ?? ""

/**
 * Handles a request to the instance whose canonical id is `instanceId`. The scope is the request's: it closes when the visitor
 * has the whole answer or disconnects.
 */
export type Handler = (
  head: RequestHead.RequestHead,
  instanceId: string,
  body: Uint8Array
) => Effect.Effect<Answer, never, Scope.Scope>

/** Reads the body of a request, which may repeat the conversation, and answers the request. */
export const answerRequest = (
  request: HttpServerRequest.HttpServerRequest,
  instanceId: string,
  handler: Handler,
  { toRefusal }: Pick<ClientApi, "toRefusal">
): Effect.Effect<Response, never, Scope.Scope> =>
  RequestBody.readConversation(request).pipe(
    Effect.catchTags(ErrorMapping.ofBytes),
    Effect.flatMap((bytes) =>
      HttpServerResponse.isHttpServerResponse(bytes)
        ? Effect.succeed(toRefusal(bytes))
        : Effect.flatMap(handler(RequestHead.fromRequest(request), instanceId, bytes), toResponse)
    )
  )

/** The answer as the platform's response. */
export const toResponse = (answer: Answer): Effect.Effect<Response> =>
  HttpServerResponse.isHttpServerResponse(answer) ? Effect.succeed(answer) : ChatResponse.toResponse(answer)

export class ChatEndpoint extends Context.Service<
  ChatEndpoint,
  {
    readonly make: (apis: ClientApis) => Handler
    readonly stream: Stream
  }
>()("hydracore/http/ChatEndpoint") {}

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  /** How long a visitor may take to read pending frames. */
  readonly readTimeout: Duration.Input
  /** The maximum duration of one stream. */
  readonly maxDuration: Duration.Input
  /** The maximum length of the text of one stream, in bytes. */
  readonly maxBytes: number
}

/** How often a comment is sent on a silent stream, so that no proxy closes it as idle. */
const defaultHeartbeat = "15 seconds"

/** The response to an error before the answer begins. */
const refusalOf = (error: SendQuestion.SendError, headers: RateLimitCheck.LimitHeaders): Effect.Effect<Response> => {
  switch (error._tag) {
    case "StorageUnavailable":
      return ErrorMapping.ofUnavailable(error, headers)
    case "RecordRefused":
      // The instance was deleted a moment ago.
      return Effect.succeed(ErrorResponses.unauthorized(headers))
    case "ConversationFull":
      return Effect.succeed(ErrorResponses.invalid([conversationFull], headers))
    case "NothingToRegenerate":
      return Effect.succeed(ErrorResponses.invalid([nothingToRegenerate], headers))
    default:
      return ErrorMapping.ofAgent(error, headers)
  }
}

const conversationFull: ValidationError = {
  type: "value_error",
  loc: ["body", "conversation_id"],
  msg: "Value error, this conversation is full; begin a new one"
}

const nothingToRegenerate: ValidationError = {
  type: "value_error",
  loc: ["body", "conversation_id"],
  msg: "Value error, this conversation has no message to answer again"
}

export const layer = (options: Options) =>
  Layer.effect(
    ChatEndpoint,
    Effect.gen(function* () {
      const checkRateLimit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const tokens = yield* WidgetTokens
      const openChats = yield* Effect.flatMap(Drain, (drain) => OpenChats.make(drain.expired))
      const slots = yield* StreamSlots
      const store = yield* ConversationStore
      const sendQuestion = yield* SendQuestion.make
      const limitInFlight = InFlightLimit.make()
      const decisions = yield* Decisions

      /** Records the refusal of a request that exceeds a limit, for the website of the instance. */
      const recordLimited = (instanceId: string, refusal: Response): Effect.Effect<Response> =>
        Effect.as(decisions.record({ _tag: "Claimed", by: "instance-id", id: instanceId }, "chat-limited"), refusal)

      const stream: Stream =
        (dialect, heartbeat = defaultHeartbeat) =>
        (answer, headers) =>
          ChatResponse.begin(answer.events, {
            instanceId: answer.instance.instanceId,
            messageId: answer.answerId,
            dialect: dialect(answer),
            heartbeat,
            readTimeout: options.readTimeout,
            maxDuration: options.maxDuration,
            maxBytes: options.maxBytes,
            headers,
            isMeasured: answer.isDirect,
            openChats
          })

      const begin = (
        head: RequestHead.RequestHead,
        { question, respond }: Request,
        api: ClientApi,
        instance: Instance,
        headers: RateLimitCheck.LimitHeaders
      ): Effect.Effect<Answer, SendQuestion.SendError, Scope.Scope> => {
        if (!OriginCheck.isAllowed(head, instance.origins)) {
          return Effect.succeed(api.toRefusal(ErrorResponses.foreignOrigin("assistant", headers)))
        }
        return Effect.flatMap(store.hashKey, (hashKey): ReturnType<typeof begin> => {
          const slot = slots.openAnswer(head.address, instance.instanceId)
          return slot._tag === "Full"
            ? recordLimited(instance.instanceId, api.toRefusal(ErrorResponses.tooManyStreams(slot.name, headers)))
            : Effect.flatMap(sendQuestion(head, instance, question, hashKey, slot.release), (answer) =>
                respond(answer, headers)
              )
        })
      }

      const handle = (
        head: RequestHead.RequestHead,
        instanceId: string,
        bytes: Uint8Array,
        gate: RateLimitCheck.RateLimitGate,
        apis: ClientApis
      ): Effect.Effect<Answer, never, Scope.Scope> => {
        const body = RequestBody.parse(bytes, head.headers["content-type"])
        if (Result.isFailure(body)) {
          const response = ErrorResponses.invalid(body.failure.errors, gate.limitHeaders)
          return Effect.succeed(apis.guess(bytes).toRefusal(response))
        }
        const api = apis.of(body.success.value)
        const decoded = api.read(body.success.value)
        if (Result.isFailure(decoded)) {
          return Effect.succeed(api.toRefusal(ErrorResponses.invalid(decoded.failure, gate.limitHeaders)))
        }
        // Before the token check, so that the rate limit bounds the lookups of guessed tokens.
        return gate.check(head.address, ({ accepted, headers }): ReturnType<typeof handle> => {
          if (!accepted) return recordLimited(instanceId, api.toRefusal(ErrorResponses.overLimit(headers)))
          return Effect.flatMap(tokens.authenticate(instanceId, api.token(head)), (instance) =>
            Option.isSome(instance)
              ? begin(head, decoded.success, api, instance.value, headers)
              : Effect.succeed(api.toRefusal(ErrorResponses.unauthorized(headers)))
          ).pipe(
            Effect.catch((error) =>
              Effect.map(refusalOf(error, headers), (response) => api.toRefusal(response, error)).pipe(
                Effect.flatMap((refusal) =>
                  error._tag === "DailyTokensUsed" ? recordLimited(instanceId, refusal) : Effect.succeed(refusal)
                )
              )
            )
          )
        })
      }

      return ChatEndpoint.of({
        stream,
        make: (apis) => {
          return (head, instanceId, bytes) =>
            limitInFlight(
              head,
              bytes,
              () =>
                RateLimitCheck.withRateLimit(
                  checkRateLimit,
                  (_, __, gate) => handle(head, instanceId, bytes, gate, apis),
                  (_, __, headers) =>
                    recordLimited(instanceId, apis.guess(bytes).toRefusal(ErrorResponses.overLimit(headers)))
                )(head, bytes),
              () => Effect.succeed(apis.guess(bytes).toRefusal(ErrorResponses.overloaded))
            )
        }
      })
    })
  )
