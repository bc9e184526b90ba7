/**
 * Shares this process's slots for the requests of owners among websites, so that the owner of one website does not hold up the
 * others, with however many keys. Each kind of work has slots of its own: a long export delays no list.
 *
 * @module
 */
import { Context, Deferred, type Duration, Effect, Fiber, Layer, Record, type Scope } from "effect"
import type * as Errors from "./Errors.ts"
import * as FairSlots from "./FairSlots.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]
type ServiceUnavailable = Errors.ServiceUnavailable

/** Why a request gets no slot: its website has too many requests, or all websites together have. */
export type Refused = TooManyRequests | ServiceUnavailable

interface Work extends FairSlots.Limits {
  /** The name of the work, in messages. */
  readonly noun: string
}

/** The maximum number of requests that wait for slots of one kind: each takes about 20 kB of memory. */
const waiting = 1_000

export const kinds = {
  /** Reports have two connections (`analytics/reports/postgres/Reports`). */
  reports: { noun: "reports", slots: 2, slotsPerOwner: 2, waiting, waitingPerOwner: 100 },
  /** Reports of shared dashboards also take a slot for reports: one, so that their viewers leave the other to owners. */
  sharedReports: { noun: "reports of shared dashboards", slots: 1, slotsPerOwner: 1, waiting, waitingPerOwner: 32 },
  /** Lists of submissions, conversations and activity, and what changes many submissions (`platform/postgres/OwnerConnections`). */
  lists: { noun: "lists and searches", slots: 2, slotsPerOwner: 2, waiting, waitingPerOwner: 100 },
  exports: { noun: "exports", slots: 4, slotsPerOwner: 1, waiting: 100, waitingPerOwner: 10 },
  /** The deletion of a website or of a person's data. */
  erasures: { noun: "deletions", slots: 2, slotsPerOwner: 1, waiting: 100, waitingPerOwner: 10 }
} as const satisfies Record<string, Work>

/** How long a request waits for a slot: with the work itself, less than proxies wait for a response. */
export const maxWait: Duration.Input = "20 seconds"

/** Seconds after which a refused request may be sent again. */
const retryAfter = 5

export interface Slots {
  /** Waits for a slot, and holds it until the scope closes. */
  readonly hold: (websiteConfigId: string) => Effect.Effect<void, Refused, Scope.Scope>
  /** Runs the work of a website while it holds a slot. */
  readonly run: <A, E>(websiteConfigId: string, work: Effect.Effect<A, E>) => Effect.Effect<A, E | Refused>
  /**
   * Like `run`, but once the work has begun, it continues and holds its slot even if the request ends. A request that ends
   * before does nothing.
   */
  readonly runToEnd: <A, E>(websiteConfigId: string, work: Effect.Effect<A, E>) => Effect.Effect<A, E | Refused>
}

export class SiteSlots extends Context.Service<SiteSlots, Readonly<Record<keyof typeof kinds, Slots>>>()(
  "hydracore/sites/access/SiteSlots"
) {}

const refusal = (noun: string, cause: FairSlots.Refusal): Refused =>
  cause === "owner"
    ? {
        _tag: "TooManyRequests",
        detail: `This website has too many ${noun} at once. Wait until one ends.`,
        headers: { "retry-after": retryAfter }
      }
    : {
        _tag: "ServiceUnavailable",
        detail: `All websites together have too many ${noun} at once. Send the request again after Retry-After seconds.`,
        headers: { "retry-after": retryAfter }
      }

interface Ticket extends FairSlots.Ticket {
  readonly granted: Deferred.Deferred<void>
}

const make = ({ noun, ...limits }: Work, layerScope: Scope.Scope): Slots => {
  const slots = FairSlots.make<Ticket>(limits)

  const grant = () => {
    for (let ticket = slots.next(); ticket !== undefined; ticket = slots.next()) {
      Deferred.doneUnsafe(ticket.granted, Effect.void)
    }
  }

  const hold: Slots["hold"] = (owner) =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const ticket: Ticket = { owner, granted: Deferred.makeUnsafe() }
        const refused = slots.request(ticket)
        if (refused !== null) return Effect.fail(refusal(noun, refused))
        grant()
        return Effect.succeed(ticket)
      }),
      (ticket) =>
        Effect.sync(() => {
          slots.leave(ticket)
          grant()
        })
    ).pipe(
      Effect.flatMap(({ granted }) => Deferred.await(granted)),
      Effect.timeoutOrElse({
        duration: maxWait,
        orElse: () => Effect.suspend(() => Effect.fail(refusal(noun, slots.waitsFor(owner))))
      })
    )

  const run: Slots["run"] = (owner, work) => Effect.scoped(Effect.andThen(hold(owner), work))

  return {
    hold,
    run,
    runToEnd: (owner, work) =>
      Effect.uninterruptibleMask((restore) =>
        Effect.gen(function* () {
          let hasBegun = false
          const begun = Effect.suspend(() => {
            hasBegun = true
            return work
          })
          const fiber = yield* Effect.forkIn(run(owner, begun), layerScope)
          const leave = Effect.suspend(() => (hasBegun ? Effect.void : Fiber.interrupt(fiber)))
          return yield* restore(Fiber.join(fiber)).pipe(Effect.onInterrupt(() => leave))
        })
      )
  }
}

export const layer: Layer.Layer<SiteSlots> = Layer.effect(
  SiteSlots,
  Effect.map(Effect.scope, (scope) => Record.map(kinds, (work: Work) => make(work, scope)))
)
