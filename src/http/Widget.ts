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
import { type Duration, Effect, Option } from "effect"
import { type HttpServerRequest, HttpServerResponse } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { Api } from "../contract/Api.ts"
import * as Faults from "../contract/Faults.ts"
import { ChatPayload } from "../contract/Widget.ts"
import { clientKey } from "../core/ClientKey.ts"
import type { RateLimitPolicy } from "../core/RateLimit.ts"
import * as Slots from "../core/Slots.ts"
import { AgentStream } from "../services/AgentStream.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { WidgetTokens } from "../services/WidgetTokens.ts"
import * as Admission from "./Admission.ts"
import * as Answers from "./Answers.ts"
import * as ChatResponse from "./ChatResponse.ts"
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

export const layer = (options: Options) =>
  HttpApiBuilder.group(
    Api,
    "widget",
    Effect.fnUntraced(function* (handlers) {
      const admit = Admission.make(yield* RateLimiter, options.rateLimit)
      const tokens = yield* WidgetTokens
      const agent = yield* AgentStream
      const drain = yield* Drain
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
        return Effect.acquireRelease(
          Effect.sync(() => slots.open(claims)),
          (attempt) => Effect.sync(() => (attempt._tag === "Opened" ? attempt.release() : undefined))
        )
      }

      return handlers.handleRaw("chat", ({ headers, params, request }) =>
        Effect.gen(function* () {
          const { payload } = yield* RequestBody.readAs(request, readPayload)
          // Before the token: a flood of guesses ends here and costs no look-up.
          const admission = yield* admit(request)
          if (!admission.accepted) return Answers.overLimit(admission.headers)
          return yield* Effect.gen(function* () {
            const instance = yield* tokens.authenticate(params.instance_id, headers["x-widget-token"] ?? "")
            if (Option.isNone(instance)) return Answers.unauthorized(admission.headers)
            if (!Provenance.isAllowed(request, instance.value.origins)) {
              return Answers.foreignOrigin("assistant", admission.headers)
            }
            const attempt = yield* openStream(request, instance.value.instanceId)
            if (attempt._tag === "Full") return Answers.tooManyStreams(attempt.name, admission.headers)
            const conversationId = payload.conversation_id || randomUUID()
            const events = agent.stream({ instance: instance.value, conversationId, message: payload.message })
            const response = yield* ChatResponse.make(events, {
              conversationId,
              messageId: randomUUID(),
              heartbeat,
              maxDuration: options.maxDuration,
              maxBytes: options.maxBytes,
              drain: drain.expired
            })
            return HttpServerResponse.setHeaders(response, admission.headers)
          }).pipe(
            Effect.catchTags({
              ...Refusals.ofUnavailable(admission.headers),
              ...Refusals.ofAgent(admission.headers)
            })
          )
        }).pipe(Effect.catchTags(Refusals.ofBody))
      )
    })
  )
