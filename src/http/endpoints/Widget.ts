/**
 * `POST /v1/public/widget/{instance_id}/chat`: reads a message, counts it against the limit, checks the token and the
 * page's origin, and streams the agent's answer.
 *
 * Nothing is kept of a conversation between two messages: its id goes to the agent of the instance that the token is for,
 * as the client gave it, and to no other. The id of a conversation with another instance therefore means nothing here.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Context, type Duration, Effect, Layer, Option, Result, Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../../contract/Api.ts"
import * as BodyReader from "../../contract/BodyReader.ts"
import { ChatPayload } from "../../contract/Widget.ts"
import type { Instance } from "../../core/chat/Instance.ts"
import { clientKey } from "../../core/limits/ClientKey.ts"
import type { RateLimitPolicy } from "../../core/limits/RateLimit.ts"
import * as Slots from "../../core/limits/Slots.ts"
import { type AgentRefusal, AgentStream } from "../../services/chat/AgentStream.ts"
import { WidgetTokens } from "../../services/chat/WidgetTokens.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import * as ChatResponse from "../chat/ChatResponse.ts"
import { Drain } from "../chat/Drain.ts"
import * as OpenChats from "../chat/OpenChats.ts"
import * as RequestBody from "../server/RequestBody.ts"
import * as ErrorMapping from "./ErrorMapping.ts"
import * as ErrorResponses from "./ErrorResponses.ts"
import * as OriginCheck from "./OriginCheck.ts"
import * as RateLimitCheck from "./RateLimitCheck.ts"
import * as RequestHead from "./RequestHead.ts"

const readPayload = BodyReader.make(ChatPayload)

/** How often a comment is sent on a stream that says nothing, so that no proxy in between takes it for dead. */
const heartbeat = "15 seconds"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  /** How many streams may be open at once in this process: for one address, and for one instance; none for any number. */
  readonly streams: { readonly perAddress: Option.Option<number>; readonly perInstance: Option.Option<number> }
  /** How long a visitor may take to read what was said. */
  readonly patience: Duration.Input
  /** The longest that one stream lasts. */
  readonly maxDuration: Duration.Input
  /** The most that one stream says, in bytes. */
  readonly maxBytes: number
}

/** Releases what was opened with the request's scope; of all that a request is, it holds on to nothing else. */
const hold = <Name extends string>(
  attempt: Slots.Attempt<Name>
): Effect.Effect<Slots.Attempt<Name>, never, Scope.Scope> =>
  attempt._tag === "Full"
    ? Effect.succeed(attempt)
    : Effect.flatMap(Effect.scope, (scope) =>
        Effect.as(Scope.addFinalizer(scope, Effect.sync(attempt.release)), attempt)
      )

/** A chat that has begun, or what stands against one. */
export type Answer = HttpServerResponse.HttpServerResponse | ChatResponse.StartedChat

/**
 * What answers a message to an instance (by its canonical id) whose body was read. The scope is the request's: it closes
 * when the visitor has the whole answer, or goes.
 */
export class ChatHandler extends Context.Service<
  ChatHandler,
  (asked: RequestHead.RequestHead, instanceId: string, body: Uint8Array) => Effect.Effect<Answer, never, Scope.Scope>
>()("hydracore/http/Converse") {}

/** The endpoint without a server. */
export const endpoint = (options: Options) =>
  Layer.effect(
    ChatHandler,
    Effect.gen(function* () {
      const admit = RateLimitCheck.make(yield* RateLimiter, options.rateLimit)
      const tokens = yield* WidgetTokens
      const agent = yield* AgentStream
      const watch = yield* Effect.flatMap(Drain, (drain) => OpenChats.make(drain.expired))
      const slots = Slots.make()

      /** Opens a stream for the request's life, whatever ends it; or says which limit stands against it. */
      const openStream = (address: string, instanceId: string) => {
        const { perAddress, perInstance } = options.streams
        const claim = (name: "address" | "instance", id: string, limit: Option.Option<number>) =>
          Option.toArray(Option.map(limit, (limit) => ({ name, key: `${name} ${id}`, limit })))
        const claims = [
          ...claim("address", clientKey(address), perAddress),
          ...claim("instance", instanceId, perInstance)
        ]
        return Effect.uninterruptible(Effect.suspend(() => hold(slots.open(claims))))
      }

      const begin = (
        asked: RequestHead.RequestHead,
        payload: ChatPayload,
        instance: Instance,
        headers: RateLimitCheck.LimitHeaders
      ): Effect.Effect<Answer, AgentRefusal, Scope.Scope> => {
        if (!OriginCheck.isAllowed(asked, instance.origins)) {
          return Effect.succeed(ErrorResponses.foreignOrigin("assistant", headers))
        }
        return Effect.flatMap(openStream(asked.address, instance.instanceId), (attempt): ReturnType<typeof begin> => {
          if (attempt._tag === "Full") return Effect.succeed(ErrorResponses.tooManyStreams(attempt.name, headers))
          const conversationId = payload.conversation_id || randomUUID()
          return ChatResponse.begin(
            agent.stream({ instance, session: conversationId, turns: [{ role: "user", text: payload.message }] }),
            {
              instanceId: instance.instanceId,
              conversationId,
              messageId: randomUUID(),
              memory: false,
              heartbeat,
              patience: options.patience,
              maxDuration: options.maxDuration,
              maxBytes: options.maxBytes,
              headers,
              watch
            }
          )
        })
      }

      const take = (
        asked: RequestHead.RequestHead,
        instanceId: string,
        bytes: Uint8Array,
        gate: RateLimitCheck.RateLimitGate
      ): Effect.Effect<Answer, never, Scope.Scope> => {
        const body = RequestBody.parse(bytes, asked.headers["content-type"])
        if (Result.isFailure(body))
          return Effect.succeed(ErrorResponses.invalid(body.failure.errors, gate.limitHeaders))
        const decoded = readPayload(body.success.value)
        if (Result.isFailure(decoded)) return Effect.succeed(ErrorResponses.invalid(decoded.failure, gate.limitHeaders))
        // Before the token: a flood of guesses ends here and costs no look-up.
        return gate.check(asked.address, ({ accepted, headers }): ReturnType<typeof take> => {
          if (!accepted) return Effect.succeed(ErrorResponses.overLimit(headers))
          return Effect.flatMap(tokens.authenticate(instanceId, asked.headers["x-widget-token"] ?? ""), (instance) =>
            Option.isSome(instance)
              ? begin(asked, decoded.success, instance.value, headers)
              : Effect.succeed(ErrorResponses.unauthorized(headers))
          ).pipe(
            Effect.catch((error) =>
              error._tag === "StorageUnavailable"
                ? ErrorMapping.ofUnavailable(headers).StorageUnavailable(error)
                : ErrorMapping.ofAgent(error, headers)
            )
          )
        })
      }

      const refuse = (_asked: RequestHead.RequestHead, _bytes: Uint8Array, headers: RateLimitCheck.LimitHeaders) =>
        Effect.succeed(ErrorResponses.overLimit(headers))

      return (asked, instanceId, bytes) =>
        RateLimitCheck.withRateLimit(admit, (_, __, gate) => take(asked, instanceId, bytes, gate), refuse)(asked, bytes)
    })
  )

/** The endpoint as a group of the contract's; over `endpoint`. */
export const group = HttpApiBuilder.group(
  Api,
  "widget",
  Effect.fnUntraced(function* (handlers) {
    const converse = yield* ChatHandler
    return handlers.handleRaw("chat", ({ params, request }) =>
      Effect.flatMap(RequestBody.readBytes(request), (bytes) =>
        converse(RequestHead.fromRequest(request), params.instance_id, bytes)
      ).pipe(
        Effect.flatMap((answer) =>
          HttpServerResponse.isHttpServerResponse(answer) ? Effect.succeed(answer) : ChatResponse.toResponse(answer)
        ),
        Effect.catchTags(ErrorMapping.ofBytes)
      )
    )
  })
)

/** The group on an endpoint of its own. */
export const layer = (options: Options) => Layer.provide(group, endpoint(options))
