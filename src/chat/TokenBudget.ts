/**
 * Counts the tokens that instances use in a day (UTC), over all processes. The interface only; see `chat/memory/TokenBudget`
 * and `chat/postgres/TokenBudget`.
 *
 * Tokens are reserved before a request is sent to an agent, and the reservation is settled with the tokens that were used.
 * Until then it counts as used, so that concurrent requests cannot exceed the limit. The reservation of a process that was
 * killed counts until the end of its day.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"

export interface Reservation {
  readonly reservationId: string
  readonly instanceId: string
  /** The UTC day, in days since 1970. */
  readonly day: number
  readonly tokens: number
}

export class TokenBudget extends Context.Service<
  TokenBudget,
  {
    /** Reserves up to `max` of the tokens that are left of `limit` today; none if fewer than `min` are left. */
    readonly reserve: (request: {
      readonly instanceId: string
      readonly limit: number
      readonly min: number
      readonly max: number
    }) => Effect.Effect<Option.Option<Reservation>, StorageUnavailable>

    /** Replaces a reservation by the tokens that were used, on the day of the reservation. Later calls have no effect. */
    readonly settle: (reservation: Reservation, used: number) => Effect.Effect<void, StorageUnavailable>

    /** The tokens that are used or reserved today. */
    readonly used: (instanceId: string) => Effect.Effect<number, StorageUnavailable>
  }
>()("hydracore/chat/TokenBudget") {}
