/**
 * Shares this process's slots for the requests of owners among websites, so that the owner of one website does not hold up the
 * others, with however many keys. Each kind of work has slots of its own: a long export delays no list.
 *
 * An export sends a website's data as a file, at the pace of its reader. A website has one export at a time, and a process four. Of
 * all exports, one at a time reads and formats its next part: together they take no longer, and visitors' requests wait for one part
 * only. An export that searches long for its next rows, such as with a filter that few rows match, leaves its turn to the others
 * meanwhile. An export whose client reads nothing ends with its connection (`platform/http/Connections`).
 *
 * @module
 */
import { Context, Deferred, type Duration, Effect, Fiber, Layer, Record, type Scope, Semaphore, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Open from "../../platform/limits/Slots.ts"
import type { Site } from "../Site.ts"
import type { AnyAuthorizedSite } from "./Access.ts"
import { Caller } from "./AuthenticationApi.ts"
import type * as Errors from "./Errors.ts"
import * as FairSlots from "./FairSlots.ts"

/** The maximum number of concurrent tests per key or session. */
const maxTests = 2

type Begin = Effect.Effect<void, Errors.TooManyRequests, Caller | Scope.Scope>

export interface CallerOperations {
  /** Begins a test, which ends with the request. Fails if the caller already runs the maximum number of tests. */
  readonly beginTest: Begin
  /**
   * Begins a live stream of a website, which ends with the request. Fails if the caller, the website or the process has the maximum
   * number of streams.
   */
  readonly beginLive: (websiteConfigId: WebsiteConfigId) => Begin
}

/** The maximum number of streams of the process. */
const maxLive = 200

/** The maximum number of streams of one key or session. */
export const maxLiveOfCaller = 4

const websiteShare = 1 / 4

/**
 * The maximum number of streams of a website while other websites have `others`: a quarter of those that the others leave, so that
 * many keys and sessions of one website cannot take all streams from the others.
 */
export const maxOfWebsite = (others: number): number => Math.max(1, Math.floor((maxLive - others) * websiteShare))

/** Counts the operations of this process. */
export const makeOperations = (): CallerOperations => {
  const slots = Open.make()

  /** Takes slots until the request ends. The name of a limit is what its refusal says. `retryAfter` is in seconds. */
  const hold = (retryAfter: number, limitsOf: (callerId: string) => ReadonlyArray<Open.SlotLimit<string>>) =>
    Effect.acquireRelease(
      Effect.flatMap(Caller, ({ id }): Effect.Effect<() => void, Errors.TooManyRequests> => {
        const opening = slots.open(limitsOf(id))
        return opening._tag === "Opened"
          ? Effect.succeed(opening.release)
          : Effect.fail({ _tag: "TooManyRequests", detail: opening.name, headers: { "retry-after": retryAfter } })
      }),
      Effect.sync
    )

  return {
    beginTest: hold(5, (id) => [
      {
        key: `test ${id}`,
        limit: maxTests,
        name: `This key or session already runs ${maxTests} tests, the maximum. Wait until one ends.`
      }
    ]),
    beginLive: (websiteConfigId) =>
      hold(10, (id) => {
        const ofWebsite = `live of website ${websiteConfigId}`
        const limit = maxOfWebsite(slots.count("live") - slots.count(ofWebsite))
        return [
          {
            key: `live of caller ${id}`,
            limit: maxLiveOfCaller,
            name: `This key or session already has ${maxLiveOfCaller} live streams, the maximum. Close one.`
          },
          {
            key: "live",
            limit: maxLive,
            name: "This server already serves its maximum number of live streams. Try again later."
          },
          {
            key: ofWebsite,
            limit,
            name: `This website already has ${limit} live streams, its share of this server. Close one, or try again later.`
          }
        ]
      })
  }
}

/** Why a request gets no slot: its website has too many requests, or all websites together have. */
export type Refused = Errors.TooManyRequests | Errors.ServiceUnavailable

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
  /** Lists of submissions, conversations and activity, and what changes many submissions (`platform/postgres/Database`). */
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

export interface File {
  /** The website that the file is about. Its name begins the file's name. */
  readonly site: Pick<Site, "name">
  /** The rest of the file's name, such as `submissions.csv`. */
  readonly name: string
  readonly contentType: string
}

export interface Exports extends Slots {
  /** Begins an export of a website, which ends with the request. */
  readonly begin: (proof: AnyAuthorizedSite) => Effect.Effect<void, Refused, Scope.Scope>
  /** Reads each array of a stream in turn with the other exports. */
  readonly inTurn: <A, E>(stream: Stream.Stream<A, E>) => Stream.Stream<A, E>
  /** The file with these lines. Each array of the stream is a chunk of the response. */
  readonly file: <E>(lines: Stream.Stream<string, E>, file: File) => HttpServerResponse.HttpServerResponse
}

/** The maximum number of characters of a website's name in the name of a file. */
const maxSiteName = 60

/** Names a file as the console names those that it makes: after the website, without what a file system may refuse. */
const dispositionOf = ({ name, site }: Pick<File, "name" | "site">): string => {
  const words = site.name.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []
  const title = [...words.join("-")].slice(0, maxSiteName).join("")
  const full = title === "" ? name : `${title}-${name}`
  return /^[\w.-]+$/.test(full)
    ? `attachment; filename="${full}"`
    : `attachment; filename="${name}"; filename*=UTF-8''${encodeURIComponent(full)}`
}

export class SiteSlots extends Context.Service<
  SiteSlots,
  Readonly<Record<keyof typeof kinds, Slots>> & CallerOperations & { readonly exports: Exports }
>()("hydracore/sites/access/SiteSlots") {}

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

/** A part commonly takes a few milliseconds. */
const longestTurn = "1 second"

const makeExports = Effect.fnUntraced(function* (slots: Slots) {
  const turn = yield* Semaphore.make(1)
  /** Takes the turn until the scope closes, or until `longestTurn` has passed. */
  const takeTurn = Effect.gen(function* () {
    let isHeld = true
    const leave = Effect.suspend(() => {
      if (!isHeld) return Effect.void
      isHeld = false
      return turn.release(1)
    })
    yield* Effect.acquireRelease(turn.take(1), () => leave, { interruptible: true })
    yield* Effect.forkScoped(Effect.andThen(Effect.sleep(longestTurn), leave))
  })
  const inTurn: Exports["inTurn"] = (stream) =>
    Stream.transformPull(stream, (pull) => Effect.succeed(Effect.scoped(Effect.andThen(takeTurn, pull))))
  return {
    ...slots,
    begin: ({ site }) => slots.hold(site.websiteConfigId),
    inTurn,
    file: (lines, { contentType, ...file }) =>
      HttpServerResponse.stream(
        lines.pipe(
          Stream.mapArray((chunk) => [chunk.join("")]),
          inTurn,
          Stream.encodeText
        ),
        { contentType, headers: { "content-disposition": dispositionOf(file) } }
      )
  } satisfies Exports
})

export const layer: Layer.Layer<SiteSlots> = Layer.effect(
  SiteSlots,
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const slots = Record.map(kinds, (work: Work) => make(work, scope))
    return { ...slots, ...makeOperations(), exports: yield* makeExports(slots.exports) }
  })
)
