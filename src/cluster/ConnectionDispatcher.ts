/**
 * The primary's listening socket. Dispatches each connection to the least loaded worker and keeps its own handle until the
 * worker acknowledges the connection: if the worker dies first, the connection, still unread, goes to another worker.
 * Connections queue while no worker is free: a worker gets a connection only when it has acknowledged the previous one.
 *
 * Node's `cluster` dispatches round-robin, loses a connection in transit to a worker that dies, stops listening when the
 * last worker exits, and resets queued connections when all workers close.
 *
 * @module
 */
import { createServer, type Server, type Socket } from "node:net"
import { type Context, Duration, Effect, Schema, type Scope } from "effect"
import * as Balance from "../core/cluster/Balance.ts"
import * as ConnectionTable from "../core/limits/ConnectionTable.ts"
import * as Metrics from "../core/metrics/Metrics.ts"
import { DescriptorLimit } from "../runtime/DescriptorLimit.ts"
import { afterQuietPoll } from "../runtime/EventLoop.ts"
import { type Address, type Channel, type FromWorker, type Listener, ofListener, type ToWorker } from "./Protocol.ts"

/** The address cannot be bound. For example, it is in use, or this process lacks permission. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  cause: Schema.Defect(),
  /** The listener of the address; missing for the public API. */
  listener: Schema.optionalKey(Schema.Literal("owner"))
}) {}

/** The maximum number of connections that queue; the descriptor limit may lower it. Further connections are reset. */
const maxQueued = 1_024

/** How long the queue may take to drain on close. */
const drainTimeout = Duration.seconds(1)

/** A worker that the dispatcher sends connections to. */
export interface Registration {
  /** Sends the worker no more connections. A connection in transit is still delivered. */
  readonly retire: () => void
  /** Removes the worker after its exit. A connection in transit goes to another worker. */
  readonly remove: () => void
}

export interface ConnectionDispatcher {
  readonly address: Address
  /** Adds a worker that serves. */
  readonly add: (channel: Channel<FromWorker, ToWorker>) => Registration
  /** Stops listening, then drains the queue for up to a second. */
  readonly close: Effect.Effect<void>
}

interface Worker extends Balance.Candidate {
  readonly channel: Channel<FromWorker, ToWorker>
  isFree: boolean
  connections: number
  lastAssigned: number
  /** The connection in transit, which the worker has not acknowledged yet. */
  inTransit: Socket | undefined
  retired: boolean
}

const listen = (
  server: Server,
  address: Address,
  listener: Listener | undefined
): Effect.Effect<Address, CannotListen> =>
  Effect.callback((resume) => {
    const failed = (cause: Error) =>
      resume(Effect.fail(new CannotListen({ cause, ...(listener === undefined ? {} : { listener }) })))
    server.once("error", failed)
    server.listen({ host: address.host, port: address.port }, () => {
      server.off("error", failed)
      const bound = server.address()
      resume(
        typeof bound === "object" && bound !== null
          ? Effect.succeed({ host: bound.address, port: bound.port })
          : Effect.fail(new CannotListen({ cause: new Error("no address") }))
      )
    })
  })

/** Listens until `close` or the end of the scope. Records metrics in the context's registry. */
export const open = Effect.fnUntraced(function* (
  address: Address,
  context: Context.Context<never>,
  listener?: Listener
): Effect.fn.Return<ConnectionDispatcher, CannotListen, Scope.Scope> {
  const maxWaiting = Math.min(maxQueued, ConnectionTable.totalOf(yield* DescriptorLimit, 0))
  const server = createServer({ pauseOnConnect: true })
  const workers = new Set<Worker>()
  const waiting: Array<Socket> = []
  let assignments = 0
  let accepted = 0
  let onDrained = () => {}
  const counterOf = (outcome: "handed" | "handed-again" | "refused") => {
    const metric = Metrics.handovers({ outcome })
    const add = (count: number) => metric.updateUnsafe(count, context)
    add(0)
    return () => add(1)
  }
  const countDispatched = counterOf("handed")
  const countRedispatched = counterOf("handed-again")
  const countRefused = counterOf("refused")

  const isDrained = (): boolean =>
    waiting.length === 0 && [...workers].every(({ inTransit }) => inTransit === undefined)

  const dispatch = (): void => {
    while (waiting.length > 0) {
      const worker = Balance.pick(workers)
      if (worker === undefined) break
      const socket = waiting.shift()!
      worker.inTransit = socket
      worker.isFree = false
      worker.connections++
      worker.lastAssigned = ++assignments
      worker.channel.send({ _tag: "Connection" }, socket)
      countDispatched()
    }
    if (isDrained()) onDrained()
  }

  const acknowledged = (worker: Worker): void => {
    // Closes this process's handle only: the worker has its own.
    worker.inTransit?.destroy()
    worker.inTransit = undefined
    worker.isFree = !worker.retired
    dispatch()
  }

  server.on("connection", (socket) => {
    accepted++
    socket.on("error", () => {})
    if (waiting.length >= maxWaiting) {
      countRefused()
      socket.resetAndDestroy()
      return
    }
    waiting.push(socket)
    dispatch()
  })

  const bound = yield* Effect.acquireRelease(listen(server, address, listener), () =>
    Effect.sync(() => {
      server.close()
      for (const socket of waiting.splice(0)) socket.destroy()
    })
  )
  // A failed accept (no descriptors left) concerns that connection only.
  server.on("error", () => {})

  return {
    address: bound,
    add: (whole) => {
      const channel = ofListener(whole, listener)
      const worker: Worker = {
        channel,
        isFree: true,
        connections: 0,
        lastAssigned: 0,
        inTransit: undefined,
        retired: false
      }
      workers.add(worker)
      const stop = channel.listen((message) => {
        if (message._tag === "Took") acknowledged(worker)
        else if (message._tag === "Closed") worker.connections -= message.count
      })
      dispatch()
      return {
        retire: () => {
          worker.retired = true
          worker.isFree = false
        },
        remove: () => {
          stop()
          workers.delete(worker)
          if (worker.inTransit !== undefined) {
            waiting.unshift(worker.inTransit)
            worker.inTransit = undefined
            countRedispatched()
          }
          dispatch()
        }
      }
    },
    // Closing resets the connections in the kernel's accept queue, so `close` first waits for a quiet poll: see
    // `http/server/Connections`.
    close: Effect.callback<void>((resume) =>
      afterQuietPoll(
        () => accepted,
        () => {
          server.close()
          resume(Effect.void)
        }
      )
    ).pipe(
      Effect.andThen(
        Effect.callback<void>((resume) => {
          onDrained = () => resume(Effect.void)
          if (isDrained()) onDrained()
        }).pipe(Effect.timeoutOrElse({ duration: drainTimeout, orElse: () => Effect.void }))
      )
    )
  }
})
