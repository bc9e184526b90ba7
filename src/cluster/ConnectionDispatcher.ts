/**
 * The primary's listening socket. It hands each connection to the worker that has the fewest, and keeps its own hold on it
 * until that worker says that it has it: whoever was handed to a worker that died meanwhile goes to another one, before a
 * byte was read. While there is no worker, connections wait here.
 *
 * Node's own `cluster` hands connections over in turn, and loses the one that is on its way to a worker that dies; it stops
 * listening when the last worker has gone; and what it holds when all workers close, it cuts off.
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
import type { Address, Channel, FromWorker, ToWorker } from "./Protocol.ts"

/** The address cannot be had: another has it, or it is not ours to take. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  cause: Schema.Defect()
}) {}

/**
 * The most connections that wait while no worker takes any, within the bound that this process's descriptors set; beyond
 * it they are reset.
 */
const mostWaiting = 1_024

/** How long the workers have to take what waits when the door closes. */
const handing = Duration.seconds(1)

/** A worker's place at the door. */
export interface Registration {
  /** Nothing more is handed to it. What is on its way stays so. */
  readonly retire: () => void
  /** The worker has gone: what was on its way to it goes to another. */
  readonly remove: () => void
}

export interface ConnectionDispatcher {
  readonly address: Address
  /** A worker that serves. */
  readonly add: (channel: Channel<FromWorker, ToWorker>) => Registration
  /** Stops listening, and waits until the workers have what came before. */
  readonly close: Effect.Effect<void>
}

interface Worker extends Balance.Candidate {
  readonly channel: Channel<FromWorker, ToWorker>
  isFree: boolean
  connections: number
  lastAssigned: number
  /** What was handed to it, and is not yet its own. */
  held: Socket | undefined
  retired: boolean
}

const listen = (server: Server, address: Address): Effect.Effect<Address, CannotListen> =>
  Effect.callback((resume) => {
    const failed = (cause: Error) => resume(Effect.fail(new CannotListen({ cause })))
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

/** Opens the door; it is shut with the scope at the latest. Its metrics are in the context's registry. */
export const open = Effect.fnUntraced(function* (
  address: Address,
  context: Context.Context<never>
): Effect.fn.Return<ConnectionDispatcher, CannotListen, Scope.Scope> {
  const maxWaiting = Math.min(mostWaiting, ConnectionTable.totalOf(yield* DescriptorLimit, 0))
  const server = createServer({ pauseOnConnect: true })
  const workers = new Set<Worker>()
  const waiting: Array<Socket> = []
  let turn = 0
  let accepted = 0
  let emptied = () => {}
  const handovers = (outcome: "handed" | "handed-again" | "refused") => {
    const metric = Metrics.handovers({ outcome })
    const add = (count: number) => metric.updateUnsafe(count, context)
    add(0)
    return () => add(1)
  }
  const handed = handovers("handed")
  const again = handovers("handed-again")
  const refused = handovers("refused")

  const isEmpty = (): boolean => waiting.length === 0 && [...workers].every(({ held }) => held === undefined)

  const hand = (): void => {
    while (waiting.length > 0) {
      const worker = Balance.pick(workers)
      if (worker === undefined) break
      const socket = waiting.shift()!
      worker.held = socket
      worker.isFree = false
      worker.connections++
      worker.lastAssigned = ++turn
      worker.channel.send({ _tag: "Connection" }, socket)
      handed()
    }
    if (isEmpty()) emptied()
  }

  const took = (worker: Worker): void => {
    // Our hold on it alone: the worker has its own.
    worker.held?.destroy()
    worker.held = undefined
    worker.isFree = !worker.retired
    hand()
  }

  server.on("connection", (socket) => {
    accepted++
    socket.on("error", () => {})
    if (waiting.length >= maxWaiting) {
      refused()
      socket.resetAndDestroy()
      return
    }
    waiting.push(socket)
    hand()
  })

  const bound = yield* listen(server, address)
  // A connection that could not be accepted (no descriptors left) is told here, and is that connection's matter.
  server.on("error", () => {})
  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      server.close()
      for (const socket of waiting.splice(0)) socket.destroy()
    })
  )

  return {
    address: bound,
    add: (channel) => {
      const worker: Worker = { channel, isFree: true, connections: 0, lastAssigned: 0, held: undefined, retired: false }
      workers.add(worker)
      const stop = channel.listen((message) => {
        if (message._tag === "Took") took(worker)
        else if (message._tag === "Closed") worker.connections -= message.count
      })
      hand()
      return {
        retire: () => {
          worker.retired = true
          worker.isFree = false
        },
        remove: () => {
          stop()
          workers.delete(worker)
          if (worker.held !== undefined) {
            waiting.unshift(worker.held)
            worker.held = undefined
            again()
          }
          hand()
        }
      }
    },
    // The system takes connections ahead of our asking, and resets those that we have not asked for when we stop: see
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
          emptied = () => resume(Effect.void)
          if (isEmpty()) emptied()
        }).pipe(Effect.timeoutOrElse({ duration: handing, orElse: () => Effect.void }))
      )
    )
  }
})
