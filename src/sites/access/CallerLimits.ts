/**
 * Limits the rate of requests to the owner API: per key or session, and per address for requests of shared dashboards and for
 * requests without a valid secret.
 *
 * Secrets are looked up before they are limited, so that requests with wrong secrets never cause the refusal of a valid one from
 * the same address. Each lookup reads one row of an index, and an address can only run `maxLookups` at once.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import { HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Incoming from "../../platform/http/Incoming.ts"
import { clientKey } from "../../platform/limits/ClientAddress.ts"
import * as RateLimit from "../../platform/limits/RateLimit.ts"
import { RateLimiter } from "../../platform/limits/RateLimit.ts"
import * as Slots from "../../platform/limits/Slots.ts"
import * as Credential from "./Credential.ts"
import * as Errors from "./Errors.ts"

export interface RecentSet {
  readonly has: (text: string) => boolean
  /** Adds a text, or makes it the most recent one. */
  readonly add: (text: string) => void
  readonly delete: (text: string) => void
}

/** Holds at most `capacity` texts. A further text evicts the one that was added least recently. */
export const makeRecentSet = (capacity: number): RecentSet => {
  const texts = new Set<string>()
  return {
    has: (text) => texts.has(text),
    add: (text) => {
      texts.delete(text)
      texts.add(text)
      if (texts.size <= capacity) return
      for (const first of texts) {
        texts.delete(first)
        return
      }
    },
    delete: (text) => {
      texts.delete(text)
    }
  }
}

type Request = HttpServerRequest.HttpServerRequest

export class CallerLimits extends Context.Service<
  CallerLimits,
  {
    /**
     * Looks up a secret, which must be well formed: at most `maxLookups` at once for the address of the request, and at most
     * `maxWaiting` wait. Fails if more would wait. Secrets that were valid before in this process do not wait.
     */
    readonly lookUp: <A, E, R>(
      secret: string,
      lookup: Effect.Effect<Option.Option<A>, E, R>
    ) => Effect.Effect<Option.Option<A>, E | Errors.ServiceUnavailable, R | Request>
    /** Counts a request without a valid secret against its address. Fails while the address is over the limit. */
    readonly countFailure: Effect.Effect<void, Errors.TooManyRequests, Request>
    /** Counts a request of a shared dashboard against its client's address. Fails over the limit. */
    readonly countShared: Effect.Effect<void, Errors.TooManyRequests, Request>
    /**
     * Counts a guess of the password of a shared dashboard, against its client's address and against the dashboard. Fails over
     * either limit. Counted also without a limit of requests.
     */
    readonly countGuess: (shareId: string) => Effect.Effect<void, Errors.TooManyRequests, Request>
    /** Counts a request of a key or a session. Fails over the limit. */
    readonly count: (id: string) => Effect.Effect<void, Errors.TooManyRequests, Request>
  }
>()("hydracore/sites/access/CallerLimits") {}

/** The maximum numbers of guesses of a password in an hour: of one address, and of all addresses together. */
export const maxGuesses = { ofAddress: 10, ofShare: 100 }

const hourly = (limit: number): RateLimit.RateLimitPolicy => ({ name: "guesses", limit, windowMillis: 3_600_000 })

export interface Options {
  /**
   * The limit of each key, of each session, and of each address for requests without a valid secret and for shared dashboards.
   */
  readonly rateLimit: Option.Option<RateLimit.RateLimitPolicy>
}

/** The maximum number of concurrent lookups of one address in this process. */
export const maxLookups = 20

/** The maximum number of lookups of one address that wait for others. */
export const maxWaiting = 100

/** The maximum number of valid secrets whose lookups do not wait. */
const maxKnown = 10_000

const busy: Errors.ServiceUnavailable = {
  _tag: "ServiceUnavailable",
  detail: `This IP address already sends ${maxLookups + maxWaiting} secrets at once. Send the request again after Retry-After seconds.`,
  headers: { "retry-after": 1 }
}

const tooMany = (resetMillis: number) =>
  Errors.tooMany("Too many requests. Wait as many seconds as Retry-After says.", resetMillis)

/** Adds headers to the response of the current request, also to an error. */
const addHeaders = (headers: Record<string, string>) =>
  HttpEffect.appendPreResponseHandler((_, response) => Effect.succeed(HttpServerResponse.setHeaders(response, headers)))

/**
 * Adds the headers of every response of the owner API: it is not stored, pages of other origins cannot embed it, and browsers
 * do not guess its type.
 */
export const addOwnerHeaders = addHeaders({
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff"
})

const addressOf = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
  clientKey(Incoming.clientAddress(request))
)

export const layer = ({ rateLimit }: Options): Layer.Layer<CallerLimits, never, RateLimiter> =>
  Layer.effect(
    CallerLimits,
    Effect.gen(function* () {
      const limiter = yield* RateLimiter
      const slots = Slots.make()
      const turnOf = yield* Slots.makeTurns(maxLookups)
      /** The digests of secrets whose last lookup found them valid. */
      const known = makeRecentSet(maxKnown)
      const policy = Option.getOrUndefined(rateLimit)
      const headersOf = policy === undefined ? () => ({}) : RateLimit.headers(policy)

      const take = Effect.fnUntraced(function* (client: string) {
        if (policy === undefined) return
        const decision = yield* limiter.take(policy, client)
        yield* addHeaders(headersOf(decision))
        if (!decision.accepted) return yield* Effect.fail(tooMany(decision.resetMillis))
      })

      const guess = Effect.fnUntraced(function* (limit: number, key: string) {
        const { accepted, resetMillis } = yield* limiter.take(hourly(limit), key)
        if (!accepted) return yield* Effect.fail(tooMany(resetMillis))
      })

      /** Waits for one of the address's turns. */
      const inTurn = <A, E, R>(address: string, lookup: Effect.Effect<A, E, R>) =>
        Effect.acquireUseRelease(
          Effect.sync(() => slots.open([{ name: "address", key: address, limit: maxLookups + maxWaiting }])),
          (opening): Effect.Effect<A, E | Errors.ServiceUnavailable, R> =>
            opening._tag === "Full" ? Effect.fail(busy) : turnOf([address])(lookup),
          (opening) => Effect.sync(() => opening._tag === "Opened" && opening.release())
        )

      return {
        lookUp: Effect.fnUntraced(function* (secret, lookup) {
          const digest = Buffer.from(Credential.digest(secret)).toString("base64url")
          const found = yield* known.has(digest) ? lookup : inTurn(yield* addressOf, lookup)
          if (Option.isSome(found)) known.add(digest)
          else known.delete(digest)
          return found
        }),
        countFailure: Effect.flatMap(addressOf, take),
        countShared: Effect.flatMap(addressOf, (address) => take(`shared ${address}`)),
        countGuess: Effect.fnUntraced(function* (shareId) {
          yield* guess(maxGuesses.ofAddress, `guess ${shareId} ${yield* addressOf}`)
          yield* guess(maxGuesses.ofShare, `guess ${shareId}`)
        }),
        count: take
      }
    })
  )
