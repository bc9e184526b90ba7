/**
 * Counts the tokens that instances use in a day (UTC), over all processes: the service, and the limit that it sets
 * for a request. See `chat/postgres/TokenBudget` for the layer of deployments.
 *
 * Tokens are reserved before a request is sent to an agent, and the reservation is settled with the tokens that were used.
 * Until then it counts as used, so that concurrent requests cannot exceed the limit. The reservation of a process that was
 * killed counts until the end of its day.
 *
 * @module
 */
import { Clock, Context, Effect, Option, type Scope, Stream } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import { AgentBusy, type AgentError, type AgentStream, DailyTokensUsed } from "./AgentStream.ts"
import type { AgentEvent, AgentRequest } from "./agent/Agent.ts"

/** The overhead of a message in tokens, for its role and delimiters. */
const messageCost = 4

/**
 * The estimated tokens of a text: a third of its UTF-8 bytes. The estimate is too high for English (four bytes a token) and
 * close for Chinese and Japanese (three bytes a character).
 */
export const ofText = (text: string): number => Math.ceil(Buffer.byteLength(text) / 3)

/** The estimated tokens of a request's input: its messages and the instructions. */
export const ofRequest = ({ instance, messages }: AgentRequest): number =>
  messages.reduce((sum, { text }) => sum + messageCost + ofText(text), 0) +
  (instance.instructions === null ? 0 : messageCost + ofText(instance.instructions))

/** The minimum number of tokens for an answer, unless the instance's `max_tokens` is lower. */
const minAnswerTokens = 64

/** The minimum and maximum number of tokens that a request may reserve. */
export const demandOf = (request: AgentRequest): { readonly min: number; readonly max: number } => {
  const input = ofRequest(request)
  const { max_tokens: maxTokens } = request.instance
  return { min: input + Math.min(minAnswerTokens, maxTokens), max: input + maxTokens }
}

export interface Reservation {
  readonly reservationId: string
  readonly tokens: number
}

export class TokenBudget extends Context.Service<
  TokenBudget,
  {
    /** Reserves the tokens that are left of `limit` today, but not more than `max`; none if fewer than `min` are left. */
    readonly reserve: (request: {
      readonly instanceId: string
      readonly limit: number
      readonly min: number
      readonly max: number
    }) => Effect.Effect<Option.Option<Reservation>, StorageUnavailable>

    /** Replaces a reservation by the tokens that were used, on the day of the reservation. Later calls have no effect. */
    readonly settle: (reservation: Reservation, used: number) => Effect.Effect<void, StorageUnavailable>
  }
>()("hydracore/chat/TokenBudget") {}

/** Counts the tokens of an answer from its events. */
class Usage {
  private isAccepted = false
  private reported = 0
  private isFinished = false
  private output = 0

  record(event: AgentEvent): void {
    if (event._tag === "Accepted") this.isAccepted = true
    else if (event._tag === "Usage") this.reported = event.inputTokens + event.outputTokens
    else if (event._tag === "Finish") this.isFinished = true
    else if ("delta" in event) this.output += Buffer.byteLength(event.delta)
  }

  /**
   * The reported tokens, or an estimate if the agent reports none or zeros; 0 if it did not accept the request. The report of
   * an answer that broke may be of its beginning only, so the larger of both counts.
   */
  tokens(input: number): number {
    if (!this.isAccepted) return 0
    if (this.isFinished && this.reported > 0) return this.reported
    return Math.max(this.reported, input + Math.ceil(this.output / 3))
  }
}

/** Refuses a question while the store of the budgets is unavailable, because the budget may be used up. */
const unavailable = new AgentBusy({ reason: "the token budget is unavailable", retryAfter: 5 })

/** Fails with the time until the next UTC day begins. */
const usedUp = Effect.flatMap(Clock.currentTimeMillis, (now) =>
  Effect.fail(new DailyTokensUsed({ retryAfter: Math.ceil((dayMillis - (now % dayMillis)) / 1000) }))
)

/** Makes the function that sends a request within its instance's limit of tokens a day. `send` sends it to the agent. */
export const limiting = (budget: TokenBudget["Service"], send: AgentStream["Service"]["stream"]) => {
  const reserve = (request: AgentRequest, limit: number): Effect.Effect<Reservation, AgentBusy | DailyTokensUsed> =>
    budget.reserve({ instanceId: request.instance.instance_id, limit, ...demandOf(request) }).pipe(
      Effect.tapError((error) =>
        Effect.annotateLogs(Effect.logWarning("The token budget is unavailable"), { reason: error.reason })
      ),
      Effect.mapError(() => unavailable),
      Effect.flatMap(Option.match({ onNone: () => usedUp, onSome: Effect.succeed }))
    )

  /** A reservation that cannot be settled counts as used for the day. */
  const settle = (instanceId: string, reservation: Reservation, used: number) =>
    Effect.catch(budget.settle(reservation, used), (error) =>
      Effect.annotateLogs(Effect.logWarning("The tokens of an answer could not be settled"), {
        instanceId,
        reason: error.reason
      })
    )

  const open = Effect.fnUntraced(function* (
    request: AgentRequest,
    limit: number
  ): Effect.fn.Return<Stream.Stream<AgentEvent, AgentError>, AgentError, Scope.Scope> {
    const input = ofRequest(request)
    const usage = new Usage()
    const { tokens } = yield* Effect.acquireRelease(reserve(request, limit), (reservation) =>
      settle(request.instance.instance_id, reservation, usage.tokens(input))
    )
    const instance = { ...request.instance, max_tokens: tokens - input }
    return Stream.map(send({ ...request, instance, wantsUsage: true }), (event) => {
      usage.record(event)
      return event
    })
  })

  return (request: AgentRequest, limit: number): Stream.Stream<AgentEvent, AgentError> =>
    Stream.unwrap(open(request, limit))
}
