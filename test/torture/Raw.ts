/**
 * A connection on which a test writes whatever bytes it likes.
 *
 * @module
 */
import { connect, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { until } from "../support/Wait.ts"

export interface Raw {
  readonly socket: Socket
  readonly write: (bytes: string | Uint8Array) => void
  /** Everything that came back. */
  readonly received: () => string
  /** Whether the other side has ended the connection, in order or by a reset. */
  readonly closed: () => boolean
}

/** Opens a connection to a port of the loopback; it is destroyed with the scope. */
export const open = (port: number): Effect.Effect<Raw, never, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
    yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
    let received = ""
    let closed = false
    let connected = false
    const over = () => {
      closed = true
    }
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text
    })
    socket.on("connect", () => {
      connected = true
    })
    socket.on("end", over)
    socket.on("close", over)
    socket.on("error", over)
    yield* until("the connection stands", () => connected || closed)
    return {
      socket,
      // Once the other side has reset the connection there is nowhere to write to.
      write: (bytes) => void (socket.destroyed || socket.write(bytes)),
      received: () => received,
      closed: () => closed
    }
  })

/** The status of each answer in what came back. */
export const statuses = (received: string): ReadonlyArray<number> =>
  [...received.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status))
