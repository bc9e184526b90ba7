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
import { type Duration, Effect, Option, Scope } from "effect"
import type { HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../contract/Api.ts"
import * as Faults from "../contract/Faults.ts"
import { ChatPayload } from "../contract/Widget.ts"
import { clientKey } from "../core/ClientKey.ts"
import type { Instance } from "../core/Instance.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import * as Slots from "../core/Slots.ts"
import { AgentStream } from "../services/AgentStream.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { WidgetTokens } from "../services/WidgetTokens.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import * as ChatResponse from "./ChatResponse.ts"
import * as ChatWatch from "./ChatWatch.ts"
import { Drain } from "./Drain.ts"
import * as Provenance from "./Provenance.ts"
import * as Refusals from "./Refusals.ts"
import * as RequestBody from "./RequestBody.ts"

const readPayload = Faults.bodyReader(ChatPayload)

/** How often a comment is sent on a stream that says nothing, so that no proxy in between takes it for dead. */
const heartbeat = "15 seconds"

export interface Options {
  readonly rateLimit: Option.Option<RateLimitPolicy>
  /** How many streams may be open at once in this process: for one address, and for one instance; none for any number. */
  readonly streams: { readonly perAddress: Option.Option<number>; readonly perInstance: Option.Option<number> }
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

export const layer = (options: Options) =>
  HttpApiBuilder.group(
    Api,
    "widget",
    Effect.fnUntraced(function* (handlers) {
      const admit = Admission.make(yield* RateLimiter, options.rateLimit)
      const tokens = yield* WidgetTokens
      const agent = yield* AgentStream
      const watch = yield* Effect.flatMap(Drain, (drain) => ChatWatch.make(drain.expired))
      const slots = Slots.make()

      /** Opens a stream for the request's life, whatever ends it; or says which limit stands against it. */
      const openStream = (request: HttpServerRequest.HttpServerRequest, instanceId: string) => {
        const { perAddress, perInstance } = options.streams
        const claim = (name: "address" | "instance", id: string, limit: Option.Option<number>) =>
          Option.toArray(Option.map(limit, (limit) => ({ name, key: `${name} ${id}`, limit })))
        const claims = [
          ...claim("address", clientKey(Admission.clientAddress(request)), perAddress),
          ...claim("instance", instanceId, perInstance)
        ]
        return Effect.uninterruptible(Effect.suspend(() => hold(slots.open(claims))))
      }

      const respond = (
        request: HttpServerRequest.HttpServerRequest,
        payload: ChatPayload,
        instance: Instance,
        headers: Admission.Headers
      ) => {
        if (!Provenance.isAllowed(request, instance.origins)) {
          return Effect.succeed(Answers.foreignOrigin("assistant", headers))
        }
        return Effect.flatMap(openStream(request, instance.instanceId), (attempt) => {
          if (attempt._tag === "Full") return Effect.succeed(Answers.tooManyStreams(attempt.name, headers))
          const conversationId = payload.conversation_id || randomUUID()
          return ChatResponse.make(agent.stream({ instance, conversationId, message: payload.message }), {
            conversationId,
            messageId: randomUUID(),
            heartbeat,
            maxDuration: options.maxDuration,
            maxBytes: options.maxBytes,
            headers,
            watch
          })
        })
      }

      return handlers.handleRaw("chat", ({ headers, params, request }) =>
        Effect.flatMap(RequestBody.readAs(request, readPayload), ({ payload }) =>
          // Before the token: a flood of guesses ends here and costs no look-up.
          Effect.flatMap(admit(request), (admission) =>
            admission.accepted
              ? Effect.flatMap(tokens.authenticate(params.instance_id, headers["x-widget-token"] ?? ""), (instance) =>
                  Option.isSome(instance)
                    ? respond(request, payload, instance.value, admission.headers)
                    : Effect.succeed(Answers.unauthorized(admission.headers))
                ).pipe(
                  Effect.catch((error) =>
                    error._tag === "StorageUnavailable"
                      ? Refusals.ofUnavailable(admission.headers).StorageUnavailable(error)
                      : Refusals.ofAgent(admission.headers)[error._tag]()
                  )
                )
              : Effect.succeed(Answers.overLimit(admission.headers))
          )
        ).pipe(Effect.catchTags(Refusals.ofBody))
      )
    })
  )
