/**
 * Ends a server's connections so that no request is lost on them.
 *
 * Node's own `close` destroys every idle connection at once, also one on which a request is on its way, and then waits for
 * the others for as long as their clients care to send requests. Here a server that is to end takes no new connections;
 * every answer says `Connection: close` from then on; connections without a request stay open for a moment, in case one is
 * on its way, and are closed in order; and at the end of the grace period whatever is left is cut.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Duration, Effect, Layer } from "effect"

export interface Options {
  /** How long a connection without a request stays open after the server was told to end. */
  readonly linger: Duration.Input
  /** After how long all connections are cut, counted from the same moment. */
  readonly end: Duration.Input
}

interface Link {
  /** The requests that are not answered yet. */
  open: number
  /** How many bytes had been read when the last answer was done: more means that a request has begun. */
  read: number
  /** The answer that was begun last, and whether its client would keep the connection. */
  last: { readonly response: ServerResponse; readonly keepAlive: boolean } | undefined
}

/** Watches the connections of a server from its first. */
const watch = (server: Server) => {
  const links = new Map<Socket, Link>()
  let draining = false
  let lingered = false

  const isIdle = (socket: Socket, link: Link) => link.open === 0 && socket.bytesRead === link.read

  const closeIfIdle = (socket: Socket, link: Link) => {
    if (isIdle(socket, link)) socket.destroySoon()
  }

  const begin = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const link = links.get(socket)
    if (link === undefined) return
    link.open++
    // The last answer of several that were asked for at once closes the connection: not one before it.
    if (draining && link.last !== undefined && !link.last.response.headersSent) {
      link.last.response.shouldKeepAlive = link.last.keepAlive
    }
    link.last = { response, keepAlive: response.shouldKeepAlive }
    if (draining) response.shouldKeepAlive = false
    response.once("close", () => {
      link.open--
      link.read = socket.bytesRead
      if (link.open === 0) link.last = undefined
      if (lingered) closeIfIdle(socket, link)
    })
  }

  server.on("connection", (socket) => {
    links.set(socket, { open: 0, read: 0, last: undefined })
    socket.once("close", () => links.delete(socket))
  })
  server.on("request", begin)
  server.on("checkContinue", begin)
  // What Node calls when it stops listening; ours is `closeIdle`.
  server.closeIdleConnections = () => {}
  return {
    /** Stops listening and tells every client to let its connection end; calls back when all connections are closed. */
    close: (done: () => void) => {
      server.close(done)
      // Not before it: whoever is told so would come back at once, to a door that is about to shut.
      draining = true
      for (const { last } of links.values()) {
        if (last !== undefined && !last.response.headersSent) last.response.shouldKeepAlive = false
      }
    },
    /** Reads nothing from any connection for now; gives how to go on. */
    hold: (): (() => void) => {
      const held = [...links.keys()].filter((socket) => !socket.isPaused())
      for (const socket of held) socket.pause()
      return () => {
        for (const socket of held) socket.resume()
      }
    },
    /** Closes every connection without a request, and the others as soon as they are. */
    closeIdle: () => {
      lingered = true
      for (const [socket, link] of links) closeIfIdle(socket, link)
    },
    cut: () => {
      for (const socket of links.keys()) socket.destroy()
    }
  }
}

/** Waits by the process's timer and not by Effect's clock, since sockets do not follow a test's. */
const wait = (duration: Duration.Duration): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), Duration.toMillis(duration))
    return Effect.sync(() => clearTimeout(timer))
  })

/**
 * Ends a server when the scope closes, and waits until its connections are closed, which takes `end` at most. `server` must
 * not listen yet. Build it on top of the layer that serves, so that it is finalized before it.
 */
export const layerOnShutdown = (server: Server, options: Options): Layer.Layer<never> => {
  const connections = watch(server)
  const linger = Duration.fromInputUnsafe(options.linger)
  const rest = Duration.subtract(Duration.fromInputUnsafe(options.end), linger)
  const later = wait(linger).pipe(
    Effect.andThen(Effect.sync(connections.closeIdle)),
    Effect.andThen(wait(rest)),
    Effect.andThen(Effect.sync(connections.cut)),
    Effect.interruptible
  )
  /**
   * The system takes connections for us ahead of our asking, and resets those that we have not asked for when we stop
   * listening. So we ask once more, with nothing else to do meanwhile, and stop listening right after it.
   */
  const close = Effect.callback<void>((resume) => {
    const release = connections.hold()
    setImmediate(() =>
      setImmediate(() => {
        connections.close(() => resume(Effect.void))
        release()
      })
    )
  })
  return Layer.effectDiscard(
    Effect.addFinalizer(() =>
      Effect.flatMap(Effect.forkDetach(later), (fiber) =>
        Effect.ensuring(
          close,
          Effect.sync(() => fiber.interruptUnsafe())
        )
      )
    )
  )
}
