/**
 * Decorates `AgentStream` with the daily token limit of instances that have one. Other instances are not affected.
 *
 * @module
 */
import { Clock, Effect, Layer, Option, type Scope, Stream } from "effect"
import { dayMillis } from "../../platform/text/Calendar.ts"
import { AgentBusy, type AgentError, AgentStream, DailyTokensUsed } from "../AgentStream.ts"
import { type Reservation, TokenBudget } from "../TokenBudget.ts"
import type { AgentEvent, AgentRequest } from "./Agent.ts"
import * as Tokens from "./Tokens.ts"

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

export const layer: Layer.Layer<AgentStream, never, AgentStream | TokenBudget> = Layer.effect(
  AgentStream,
  Effect.gen(function* () {
    const agent = yield* AgentStream
    const budget = yield* TokenBudget

    const reserve = (request: AgentRequest, limit: number): Effect.Effect<Reservation, AgentBusy | DailyTokensUsed> =>
      budget.reserve({ instanceId: request.instance.instanceId, limit, ...Tokens.demandOf(request) }).pipe(
        Effect.tapError((error) =>
          Effect.annotateLogs(Effect.logWarning("The token budget is unavailable"), { reason: error.reason })
        ),
        Effect.mapError(() => unavailable),
        Effect.flatMap(Option.match({ onNone: () => usedUp, onSome: Effect.succeed }))
      )

    /** A reservation that cannot be settled counts as used for the day. */
    const settle = (reservation: Reservation, used: number) =>
      Effect.catch(budget.settle(reservation, used), (error) =>
        Effect.annotateLogs(Effect.logWarning("The tokens of an answer could not be settled"), {
          instanceId: reservation.instanceId,
          reason: error.reason
        })
      )

    const open = Effect.fnUntraced(function* (
      request: AgentRequest,
      limit: number
    ): Effect.fn.Return<Stream.Stream<AgentEvent, AgentError>, AgentError, Scope.Scope> {
      const input = Tokens.ofRequest(request)
      const usage = new Usage()
      const { tokens } = yield* Effect.acquireRelease(reserve(request, limit), (reservation) =>
        settle(reservation, usage.tokens(input))
      )
      const instance = { ...request.instance, maxTokens: tokens - input }
      return Stream.map(agent.stream({ ...request, instance, wantsUsage: true }), (event) => {
        usage.record(event)
        return event
      })
    })

    return AgentStream.of({
      stream: (request) => {
        const { dailyTokens } = request.instance
        return dailyTokens === null ? agent.stream(request) : Stream.unwrap(open(request, dailyTokens))
      }
    })
  })
)
