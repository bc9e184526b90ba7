/**
 * Finds the IP addresses of hosts that owners name, so that a name server that does not answer delays nothing else.
 *
 * The system's resolver (`dns.lookup`) occupies one of libuv's four threads until the name server answers, and other work of the
 * process waits for these threads. This asks the name servers of `/etc/resolv.conf` directly, without a thread, and never reads
 * `/etc/hosts` or search domains, which name hosts of the operator.
 *
 * @module
 */
import type { LookupAddress } from "node:dns"
import { Resolver } from "node:dns/promises"
import { Clock, Context, Duration, Effect, Layer, Result } from "effect"
import * as Slots from "../limits/Slots.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"
import * as AddressGuard from "./AddressGuard.ts"

/** The maximum number of names that are looked up at once for one website. */
const maxOfWebsite = 2

/** The time limit of one look-up. */
const lookUpTimeout = Duration.seconds(5)

/** The time limit of a look-up together with the wait for earlier ones of the website. */
const totalTimeout = Duration.seconds(10)

/** How long addresses are used for further requests. */
const freshMillis = 10_000

/** How long addresses are kept for connections: a request may open another connection after its first. */
const keptMillis = 15 * 60_000

/** The minimum time between two logs about one host that fails for the same reason. */
const logMillis = 3_600_000

/** The error of a connection that the guard refuses. Its message may be shown to the owner. */
export class Refused extends Error {
  readonly code = "ENOTPUBLIC"
}

type Addresses = readonly [LookupAddress, ...ReadonlyArray<LookupAddress>]

export class OutwardNames extends Context.Service<
  OutwardNames,
  {
    /**
     * Looks up a host name, unless its addresses were found within the last ten seconds. Fails if it has no public address.
     * Interruption cancels the look-up.
     *
     * @param websiteConfigId the website whose look-ups this one waits for
     * @param host a name; an IP address needs no look-up
     */
    readonly find: (websiteConfigId: string, host: string) => Effect.Effect<void, Refused>
    /** The public addresses that `find` found last; undefined if it found none. */
    readonly addressesOf: (host: string) => Addresses | undefined
  }
>()("hydracore/platform/outward/OutwardNames") {}

export interface Options {
  /** The name servers, such as `127.0.0.1:5353`; without them, those of the system. */
  readonly servers?: ReadonlyArray<string>
}

/** Why a host has no public address, for the operator's log. */
type Reason = string

const notPublic: Reason = "it has no public address"

const make = Effect.fnUntraced(function* ({ servers }: Options) {
  const inTurn = yield* Slots.makeTurns(maxOfWebsite)
  const known = new Map<string, { readonly addresses: Addresses; readonly at: number }>()
  const logged = new Map<string, { readonly reason: Reason; readonly at: number }>()

  const removeOld = (entries: Map<string, { readonly at: number }>, before: number) => {
    for (const [host, { at }] of entries) if (at < before) entries.delete(host)
  }

  /** Each look-up has its own resolver, because a resolver can only cancel all of its queries. */
  const query = (host: string, family: 4 | 6) =>
    Effect.tryPromise({
      try: (signal) => {
        const resolver = new Resolver({ timeout: 2_000, tries: 2 })
        if (servers !== undefined) resolver.setServers(servers)
        signal.addEventListener("abort", () => resolver.cancel(), { once: true })
        return family === 4 ? resolver.resolve4(host) : resolver.resolve6(host)
      },
      catch: (error): Reason => SystemErrorCode.of(error) ?? "the look-up failed"
    }).pipe(
      Effect.map((addresses) => addresses.map((address): LookupAddress => ({ address, family }))),
      Effect.timeoutOrElse({ duration: lookUpTimeout, orElse: () => Effect.fail<Reason>("ETIMEOUT") }),
      Effect.result
    )

  const lookUp = Effect.fnUntraced(function* (host: string): Effect.fn.Return<Addresses, Reason> {
    const results = yield* Effect.all([query(host, 4), query(host, 6)], { concurrency: 2 })
    const addresses = results.flatMap((result) => (Result.isSuccess(result) ? result.success : []))
    const [first, ...others] = addresses.filter(({ address }) => AddressGuard.isPublicText(address))
    if (first !== undefined) return [first, ...others]
    if (addresses.length > 0) return yield* Effect.fail(notPublic)
    const reasons = results.flatMap((result) => (Result.isFailure(result) ? [result.failure] : []))
    return yield* Effect.fail(reasons.find((reason) => reason !== "ENODATA") ?? notPublic)
  })

  const isFresh = (host: string, now: number): boolean => {
    const entry = known.get(host)
    return entry !== undefined && now - entry.at < freshMillis
  }

  /** Another request may have found the addresses while this one waited. */
  const lookUpOnce = Effect.fnUntraced(function* (host: string) {
    if (isFresh(host, yield* Clock.currentTimeMillis)) return
    const addresses = yield* lookUp(host)
    const now = yield* Clock.currentTimeMillis
    removeOld(known, now - keptMillis)
    known.set(host, { addresses, at: now })
  })

  const log = Effect.fnUntraced(function* (websiteConfigId: string, host: string, reason: Reason) {
    const now = yield* Clock.currentTimeMillis
    removeOld(logged, now - logMillis)
    if (logged.get(host)?.reason === reason) return
    logged.set(host, { reason, at: now })
    yield* Effect.logWarning("A host that an owner named was not found on the public internet").pipe(
      Effect.annotateLogs({ website_config_id: websiteConfigId, host: host.slice(0, 253), reason })
    )
  })

  return OutwardNames.of({
    addressesOf: (host) => known.get(host)?.addresses,
    find: (websiteConfigId, host) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        isFresh(host, now)
          ? Effect.void
          : lookUpOnce(host).pipe(
              inTurn([websiteConfigId]),
              Effect.timeoutOrElse({
                duration: totalTimeout,
                orElse: () => Effect.fail<Reason>("the website's earlier look-ups did not end in time")
              }),
              Effect.catch((reason) =>
                Effect.andThen(
                  log(websiteConfigId, host, reason),
                  Effect.fail(new Refused(AddressGuard.notFound(host)))
                )
              )
            )
      )
  })
})

export const layerOf = (options: Options): Layer.Layer<OutwardNames> => Layer.effect(OutwardNames, make(options))

/** The name servers of the system. One layer for the process, so that all clients share the limit of a website. */
export const layer: Layer.Layer<OutwardNames> = layerOf({})
