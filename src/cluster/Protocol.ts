/**
 * What the primary of `serve --workers` and its workers say to each other, over the channel that Node gives a process and
 * those that it forks. A worker may be of another version than its primary, since a rolling restart starts what is on the
 * disk by then: whoever gets a message that it does not know leaves it.
 *
 * @module
 */
import type { Socket } from "node:net"
import type { RateLimitDecision, RateLimitPolicy } from "../core/limits/RateLimit.ts"
import type { Snapshot } from "../core/metrics/Snapshot.ts"

/** Where the primary listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Requests of clients under one policy, in the order in which they came. */
export interface Ask {
  readonly policy: RateLimitPolicy
  readonly keys: ReadonlyArray<string>
}

export type ToWorker =
  /** A connection, which comes along. */
  | { readonly _tag: "Connection" }
  /** The decisions on a batch of requests, in its order (see `encode`). */
  | { readonly _tag: "Taken"; readonly batch: number; readonly decisions: ReadonlyArray<number> }
  /** Say what you measured. */
  | { readonly _tag: "Measure" }
  /** No connection comes any more: answer what there is, and end. */
  | { readonly _tag: "End" }

export type FromWorker =
  | { readonly _tag: "Serving" }
  /** It cannot serve, and ends; in a sentence. */
  | { readonly _tag: "Failed"; readonly message: string }
  /** The connection that was handed over last is mine now. */
  | { readonly _tag: "Took" }
  /** So many of my connections have ended. */
  | { readonly _tag: "Closed"; readonly count: number }
  /** Count these requests, all of one turn of my event loop. */
  | { readonly _tag: "Take"; readonly batch: number; readonly asks: ReadonlyArray<Ask> }
  | { readonly _tag: "Measured"; readonly snapshot: Snapshot }
  /** Somebody told this process to end; whether it does is the primary's to say. */
  | { readonly _tag: "AskedToEnd" }

/** One end of a channel. What is sent after the other end has gone is lost, and that is no error. */
export interface Channel<In, Out> {
  /** Sends a message, perhaps with a socket, which stays open here as well. `done` is called when it is written, or lost. */
  readonly send: (message: Out, socket?: Socket, done?: () => void) => void
  /** Has `listener` called for each message. Gives how to stop that. */
  readonly listen: (listener: (message: In, socket: Socket | undefined) => void) => () => void
}

export type Link = Channel<ToWorker, FromWorker>

/** What both `process` and a child have. */
interface Peer {
  readonly send?: NodeJS.Process["send"]
  readonly on: (event: "message", listener: (message: unknown, socket: unknown) => void) => unknown
  readonly off: (event: "message", listener: (message: unknown, socket: unknown) => void) => unknown
}

const isMessage = (message: unknown): message is { readonly _tag: string } =>
  typeof message === "object" && message !== null && "_tag" in message && typeof message._tag === "string"

/** The channel to a process: to a child, or as `process` to the parent. */
export const channelOf = <In, Out extends object>(peer: Peer): Channel<In, Out> => ({
  send: (message, socket, done) => {
    // With a callback a broken channel is told there, and not as an event that would end the process.
    peer.send?.(message, socket, { keepOpen: true }, () => done?.())
  },
  listen: (listener) => {
    const receive = (message: unknown, socket: unknown) => {
      if (isMessage(message)) listener(message as In, socket as Socket | undefined)
    }
    peer.on("message", receive)
    return () => void peer.off("message", receive)
  }
})

/** Decisions as numbers, three for each, since JSON would name their fields every time. */
export const encode = (decisions: ReadonlyArray<RateLimitDecision>): ReadonlyArray<number> =>
  decisions.flatMap(({ accepted, remaining, resetMillis }) => [accepted ? 1 : 0, remaining, resetMillis])

/** The decision at a place among encoded ones. */
export const decode = (numbers: ReadonlyArray<number>, place: number): RateLimitDecision | undefined => {
  const [accepted, remaining, resetMillis] = numbers.slice(3 * place, 3 * place + 3)
  return accepted === undefined || remaining === undefined || resetMillis === undefined
    ? undefined
    : { accepted: accepted === 1, remaining, resetMillis }
}
