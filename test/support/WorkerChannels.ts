/**
 * Both ends of the channel between a worker and the primary, in one process. Messages are copied, as between processes. Those to
 * the primary can be delayed.
 *
 * @module
 */
import type { Channel, FromWorker, ToWorker } from "../../src/platform/cluster/Protocol.ts"

interface End<In, Out> extends Channel<In, Out> {
  readonly receive: (message: In) => void
}

export interface Pair {
  readonly worker: Channel<ToWorker, FromWorker>
  readonly primary: Channel<FromWorker, ToWorker>
  /** The messages that the worker has sent. */
  readonly sent: ReadonlyArray<FromWorker>
  /** Holds the messages to the primary until `release`. */
  readonly hold: () => void
  readonly release: () => void
}

const end = <In, Out extends object>(deliver: (message: Out) => void): End<In, Out> => {
  const listeners = new Set<(message: In) => void>()
  return {
    send: (message, done) => {
      const copy = JSON.parse(JSON.stringify(message)) as Out
      setImmediate(() => {
        deliver(copy)
        done?.()
      })
    },
    listen: (listener) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    receive: (message) => {
      for (const listener of listeners) listener(message)
    }
  }
}

export const make = (): Pair => {
  const sent: Array<FromWorker> = []
  let held: Array<FromWorker> | undefined
  const worker: End<ToWorker, FromWorker> = end((message) => {
    sent.push(message)
    if (held === undefined) primary.receive(message)
    else held.push(message)
  })
  const primary: End<FromWorker, ToWorker> = end((message) => worker.receive(message))
  return {
    worker,
    primary,
    sent,
    hold: () => {
      held = []
    },
    release: () => {
      for (const message of held ?? []) primary.receive(message)
      held = undefined
    }
  }
}
