/**
 * The messages between the primary of `serve --workers` and its workers, over Node's IPC channel. After an upgrade and a
 * rolling restart, a worker may be of another version than its primary: both ignore unknown messages.
 *
 * @module
 */
import type { Socket } from "node:net"
import { Predicate } from "effect"
import type { RateLimitDecision, RateLimitPolicy } from "../core/limits/RateLimit.ts"
import type { Snapshot } from "../core/metrics/Snapshot.ts"

/** Where the primary listens. */
export interface Address {
  readonly host: string
  readonly port: number
}

/** Rate-limit requests under one policy, in order of arrival. */
export interface LimitRequests {
  readonly policy: RateLimitPolicy
  readonly keys: ReadonlyArray<string>
}

/** A listener of the primary. A message without this name is about the listener of the public API. */
export type Listener = "owner"

export type ToWorker =
  /** Sends a connection, as the message's handle. */
  | { readonly _tag: "Connection"; readonly listener?: Listener }
  /** The decisions on a batch, in the batch's order (see `encode`). */
  | { readonly _tag: "Taken"; readonly batch: number; readonly decisions: ReadonlyArray<number> }
  /** Requests a `Measured`. */
  | { readonly _tag: "Measure" }
  /** The service will stop listening: `/readyz` answers 503, and everything else goes on. */
  | { readonly _tag: "Drain" }
  /** No more connections follow: complete open requests, then end. */
  | { readonly _tag: "End" }

export type FromWorker =
  | { readonly _tag: "Serving" }
  /** The worker cannot serve and ends. `message` is one line for the user. */
  | { readonly _tag: "Failed"; readonly message: string }
  /** Acknowledges the last `Connection`. */
  | { readonly _tag: "Took"; readonly listener?: Listener }
  /** How many connections ended since the last report. */
  | { readonly _tag: "Closed"; readonly count: number; readonly listener?: Listener }
  /** Requests decisions, which `Taken` returns, on a batch: the requests of one turn of the worker's event loop. */
  | { readonly _tag: "Take"; readonly batch: number; readonly requests: ReadonlyArray<LimitRequests> }
  | { readonly _tag: "Measured"; readonly snapshot: Snapshot }
  /** The worker received a signal to end; the primary decides. */
  | { readonly _tag: "EndRequested" }

/** One end of a channel. Messages to a closed channel are dropped without an error. */
export interface Channel<In, Out> {
  /** Sends a message and optionally a socket, which stays open here too. `done` runs when the message is written or dropped. */
  readonly send: (message: Out, socket?: Socket, done?: () => void) => void
  /** Subscribes to messages and returns the unsubscribe function. */
  readonly listen: (receive: (message: In, socket: Socket | undefined) => void) => () => void
}

export type Link = Channel<ToWorker, FromWorker>

/** The part of a channel whose messages name this listener; if `listener` is missing, the messages that name none. */
export const ofListener = <In extends object, Out extends object>(
  channel: Channel<In, Out>,
  listener?: Listener
): Channel<In, Out> => ({
  send: (message, socket, done) =>
    channel.send(listener === undefined ? message : { ...message, listener }, socket, done),
  listen: (receive) =>
    channel.listen((message, socket) => {
      if ((message as { readonly listener?: Listener }).listener === listener) receive(message, socket)
    })
})

/** What `process` and a `ChildProcess` have in common. */
interface Peer {
  readonly send?: NodeJS.Process["send"]
  readonly on: (event: "message", receive: (message: unknown, socket: unknown) => void) => unknown
  readonly off: (event: "message", receive: (message: unknown, socket: unknown) => void) => unknown
}

const isMessage = (message: unknown): message is { readonly _tag: string } =>
  Predicate.hasProperty(message, "_tag") && Predicate.isString(message._tag)

/** The channel to a child process, or to the parent if `peer` is `process`. */
export const channelOf = <In, Out extends object>(peer: Peer): Channel<In, Out> => ({
  send: (message, socket, done) => {
    // The callback also gets errors. Without it, an `error` event would end the process.
    peer.send?.(message, socket, { keepOpen: true }, () => done?.())
  },
  listen: (receive) => {
    const onMessage = (message: unknown, socket: unknown) => {
      if (isMessage(message)) receive(message as In, socket as Socket | undefined)
    }
    peer.on("message", onMessage)
    return () => void peer.off("message", onMessage)
  }
})

/** Encodes each decision as three numbers; JSON objects would repeat the field names. */
export const encode = (decisions: ReadonlyArray<RateLimitDecision>): ReadonlyArray<number> =>
  decisions.flatMap(({ accepted, remaining, resetMillis }) => [accepted ? 1 : 0, remaining, resetMillis])

/** The decision at an index of the encoded decisions; undefined if there is none. */
export const decode = (numbers: ReadonlyArray<number>, index: number): RateLimitDecision | undefined => {
  const [accepted, remaining, resetMillis] = numbers.slice(3 * index, 3 * index + 3)
  return accepted === undefined || remaining === undefined || resetMillis === undefined
    ? undefined
    : { accepted: accepted === 1, remaining, resetMillis }
}
