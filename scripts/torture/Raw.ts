/**
 * A TCP connection on which a test writes arbitrary bytes.
 *
 * @module
 */
import { connect, type Socket } from "node:net"
import { Effect, type Scope } from "effect"
import { until } from "../../test/support/Wait.ts"

export interface Raw {
  readonly socket: Socket
  readonly write: (bytes: string | Uint8Array) => void
  /** Everything received. */
  readonly received: () => string
  /** Whether the peer has closed the connection, gracefully or by a reset. */
  readonly closed: () => boolean
}

/** Opens a connection to a loopback port; the scope destroys it. */
export const open = (port: number): Effect.Effect<Raw, never, Scope.Scope> =>
  Effect.gen(function* () {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true })
    yield* Effect.addFinalizer(() => Effect.sync(() => socket.destroy()))
    let received = ""
    let closed = false
    let connected = false
    const onEnd = () => {
      closed = true
    }
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text
    })
    socket.on("connect", () => {
      connected = true
    })
    socket.on("end", onEnd)
    socket.on("close", onEnd)
    socket.on("error", onEnd)
    yield* until("the connection is open", () => connected || closed)
    return {
      socket,
      // The peer may have reset the connection.
      write: (bytes) => void (socket.destroyed || socket.write(bytes)),
      received: () => received,
      closed: () => closed
    }
  })

/** The status of each received response. */
export const statuses = (received: string): ReadonlyArray<number> =>
  [...received.matchAll(/^HTTP\/1\.[01] (\d{3})/gm)].map(([, status]) => Number(status))
