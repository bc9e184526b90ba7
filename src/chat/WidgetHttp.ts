/**
 * `POST /v1/public/widget/{instance_id}/chat`: a visitor's message to an instance's agent, whose answer is streamed.
 *
 * For an instance with `memory: "edge"`, the service sends the conversation's earlier messages to the agent and stores the new
 * ones. A body of `useChat` contains the whole conversation, or only its newest message.
 *
 * The middleware is that of all chat endpoints: it admits requests that may use an instance, and reads their bodies, which may
 * repeat the whole conversation.
 *
 * @module
 */
import { Context, Effect, Layer, Option, Redacted, Result } from "effect"
import { HttpRouter, HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import { Api, Traced } from "../api/Api.ts"
import { Validation } from "../platform/contract/Errors.ts"
import { LimitHeaders, Received } from "../platform/contract/Received.ts"
import * as Body from "../platform/http/Body.ts"
import * as EndpointGroup from "../platform/http/EndpointGroup.ts"
import * as ErrorResponses from "../platform/http/ErrorResponses.ts"
import * as Incoming from "../platform/http/Incoming.ts"
import * as Origin from "../platform/http/Origin.ts"
import { answer as answerInvalid } from "../platform/http/Validation.ts"
import { parseUuid } from "../platform/Id.ts"
import { makeCheck, RateLimiter, type RateLimitPolicy } from "../platform/limits/RateLimit.ts"
import { Decisions } from "../sites/Decisions.ts"
import * as ErrorMapping from "../sites/ErrorMapping.ts"
import * as ChatEndpoint from "./ChatEndpoint.ts"
import * as ChatRefusals from "./ChatRefusals.ts"
import { WidgetKeySecurity } from "./OpenAiApi.ts"
import * as OpenAiErrors from "./OpenAiErrors.ts"
import type { Question } from "./Question.ts"
import * as UseChat from "./UseChat.ts"
import {
  Admitted,
  ChatBody,
  ConversationBody,
  OpenAiForm,
  OpenAiValidation,
  SendsMessage,
  WidgetTokenSecurity
} from "./WidgetApi.ts"
import { WidgetTokens } from "./WidgetTokens.ts"

export interface Options {
  /** For messages. */
  readonly rateLimitChat: Option.Option<RateLimitPolicy>
  /** For requests about a chat that send no message. */
  readonly rateLimitChatRead: Option.Option<RateLimitPolicy>
}

type Response = HttpServerResponse.HttpServerResponse

/** What an endpoint gets whose path does not decode, so that its handler does not run. */
const undecoded: Admitted["Service"] = {
  get instance(): never {
    throw new Error("The path of the request was not decoded")
  },
  headers: {}
}

/**
 * Admits requests within the rate limit, with a valid widget token, and from an allowed origin. The limit is checked first, so that
 * it bounds the lookups of guessed tokens.
 */
export const admission = (options: Options) =>
  Layer.effectContext(
    Effect.gen(function* () {
      const limiter = yield* RateLimiter
      const tokens = yield* WidgetTokens
      const decisions = yield* Decisions
      const checks = {
        chat: makeCheck(limiter, options.rateLimitChat),
        read: makeCheck(limiter, options.rateLimitChatRead)
      }

      const admit = <E, R>(
        httpEffect: Effect.Effect<Response, E, R>,
        endpoint: HttpApiEndpoint.Top,
        instanceId: string,
        token: string
      ): Effect.Effect<Response, E, Exclude<R, Admitted> | HttpServerRequest.HttpServerRequest> =>
        Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) => {
          const head = Incoming.fromRequest(request)
          const kind = Context.get(endpoint.annotations, SendsMessage) ? "chat" : "read"
          return checks[kind](head.address, ({ accepted, headers }) => {
            if (!accepted) {
              const refusal = ErrorResponses.overLimit(headers)
              return kind === "read"
                ? Effect.succeed(refusal)
                : Effect.as(
                    decisions.record({ _tag: "Claimed", by: "instance-id", id: instanceId }, "chat-limited"),
                    refusal
                  )
            }
            return Effect.matchEffect(tokens.authenticate(instanceId, token), {
              onFailure: (error) => ErrorMapping.ofUnavailable(error, headers),
              onSuccess: (instance) =>
                Option.isNone(instance)
                  ? Effect.succeed(ErrorResponses.unauthorized(headers))
                  : Origin.accepts(head, instance.value.origins)
                    ? // `Effect.provideContext` would copy the whole context for every request.
                      Effect.updateContext(
                        httpEffect,
                        (context: Context.Context<Exclude<R, Admitted>>) =>
                          context.pipe(
                            Context.add(Admitted, { instance: instance.value, headers }),
                            Context.add(LimitHeaders, headers)
                          ) as Context.Context<R>
                      )
                    : Effect.as(
                        decisions.record(
                          { _tag: "Claimed", by: "instance-id", id: instanceId },
                          "chat-foreign-origin",
                          Origin.refusedOf(head, instanceId)
                        ),
                        ErrorResponses.foreignOrigin("assistant", headers)
                      )
            })
          })
        }) as Effect.Effect<Response, E, Exclude<R, Admitted> | HttpServerRequest.HttpServerRequest>

      const instanceIdOf = Effect.map(HttpRouter.params, ({ instance_id = "" }) => parseUuid(instance_id))

      return Context.make(WidgetTokenSecurity, {
        widgetToken: (httpEffect, { credential, endpoint }) =>
          Effect.flatMap(instanceIdOf, (id) =>
            Result.isSuccess(id)
              ? admit(httpEffect, endpoint, id.success, Redacted.value(credential))
              : Effect.provideService(httpEffect, Admitted, undecoded)
          )
      }).pipe(
        Context.add(WidgetKeySecurity, {
          widgetKey: (httpEffect, { credential, endpoint }) =>
            Effect.flatMap(instanceIdOf, (id) =>
              Result.isSuccess(id)
                ? admit(httpEffect, endpoint, id.success, Redacted.value(credential))
                : Effect.succeed(ErrorResponses.unauthorized())
            )
        })
      )
    })
  )

/**
 * Whether an unparsed body is probably of `useChat`. JSON escapes the quotation marks in a text, so each match is a key or a
 * whole text.
 */
const isLikelyUseChat = (bytes: Uint8Array): boolean => {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return buffer.includes('"id"') && ['"messages"', '"parts"', '"trigger"'].some((key) => buffer.includes(key))
}

const isUseChat = (text: string, bytes: Uint8Array): boolean => {
  try {
    return UseChat.isUseChat(JSON.parse(text))
  } catch {
    return isLikelyUseChat(bytes)
  }
}

/** The largest body that is parsed to find the form of an error. */
const maxParsed = 16_384

const isOfUseChat = (text: string, bytes: Uint8Array): boolean =>
  bytes.length > maxParsed ? isLikelyUseChat(bytes) : isUseChat(text, bytes)

/** A response of `ErrorResponses` in OpenAI's form. Any other response has its form already. */
const inOpenAiForm = (response: Response): Response =>
  response.status >= 400 && ErrorResponses.detailOf(response) !== "" ? OpenAiErrors.from(response) : response

const readers = Layer.effectContext(
  Effect.sync(() => {
    const readBody = Body.make()
    const readChat = readBody({
      read: (request, head) => Incoming.readConversation(request, head, (bytes) => !isLikelyUseChat(bytes)),
      toRefusal: (response, bytes) => (isLikelyUseChat(bytes) ? ErrorResponses.asText(response) : response)
    })
    const ofChat: ChatBody["Service"] = (httpEffect) =>
      readChat(
        Effect.flatMap(httpEffect, (response) =>
          response.status < 400
            ? Effect.succeed(response)
            : Effect.map(Received, ({ bytes, text }) =>
                isOfUseChat(text, bytes) ? ErrorResponses.asText(response) : response
              )
        )
      )
    return Context.make(ConversationBody, readBody({ read: Incoming.readConversation })).pipe(
      Context.add(ChatBody, ofChat)
    )
  })
)

/** Reads the bodies, and gives each client's form to the errors. */
export const bodies = Layer.mergeAll(
  readers,
  Layer.succeed(OpenAiForm, (httpEffect) => Effect.map(httpEffect, inOpenAiForm)),
  HttpApiMiddleware.layerSchemaErrorTransform(OpenAiValidation, (error, { endpoint }) => answerInvalid(error, endpoint))
)

const groupOf = ({ answer }: ChatEndpoint.ChatEndpoint) => {
  const ask = (question: Question) => answer(question, ChatEndpoint.uiMessageStream)
  return HttpApiBuilder.group(Api, "widget", (handlers) =>
    handlers.handle("chat", ({ payload }) => {
      if (!("id" in payload)) {
        const { conversation_id, message } = payload
        return ask({
          _tag: "Message",
          conversationId: conversation_id ?? undefined,
          text: message,
          messageId: null,
          kind: "new",
          targetId: null
        })
      }
      return Effect.matchEffect(Effect.fromResult(UseChat.read(payload)), {
        onFailure: ChatRefusals.invalid,
        onSuccess: ask
      })
    })
  )
}

/** Serves the contract's group. */
export const layer = (endpoint: ChatEndpoint.ChatEndpoint) =>
  Layer.unwrap(
    Effect.map(Effect.context<ChatBody | Traced | Validation | WidgetTokenSecurity>(), (services) =>
      EndpointGroup.withOnly(
        groupOf(endpoint),
        Context.pick(ChatBody, Traced, Validation, WidgetTokenSecurity)(services)
      )
    )
  )
