/**
 * Ends a server's connections so that no request is lost on them, those whose clients do not read, and those on which
 * too many requests wait.
 *
 * Of whoever sends requests without waiting for their answers, Node reads two megabytes at a time before any is answered,
 * which may be fifty thousand requests, and goes on: one connection could hold a gigabyte, and when it was gone, Node took
 * seconds to let go of it, in which nobody was served. So all that wait behind others on their connections are counted.
 *
 * Node's own `close` destroys every idle connection at once, also one on which a request is on its way, and then waits
 * for the others for as long as their clients care to send requests. Here a server that is to end first takes every
 * connection that the system has taken for it, and then stops listening; every answer says `Connection: close` from
 * then on; connections without a request stay open for a moment, in case one is on its way, and are closed in order;
 * and at the end of the grace period whatever is left is cut.
 *
 * What no program can shut: the system goes on taking connections until the very call that stops it, and resets those
 * that we have not taken; and a request may be under way while we close the connection on which it comes. Both are a
 * fraction of a millisecond in which a client must open a connection, or use one that was idle for the whole moment. A
 * proxy that keeps its connections hardly ever does; with one that opens a connection for each request, one restart in
 * some hundreds fails a request.
 *
 * @module
 */
import * as diagnostics from "node:diagnostics_channel"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Clock, Context, type Duration, Effect, Layer } from "effect"
import { afterQuietPoll } from "../../runtime/EventLoop.ts"

import * as ConnectionLimits from "./ConnectionLimits.ts"
import * as FairReading from "./FairReading.ts"
import * as UnreadAnswers from "./UnreadAnswers.ts"

export interface Options {
  /** How long a connection without a request stays open after the server stopped listening. */
  readonly linger: Duration.Input
  /** After how long all connections are cut, counted from when the server was told to end. */
  readonly end: Duration.Input
  /** How long an answer may stand unread. In milliseconds. */
  readonly unreadTimeout: number
  /** How many connections there may be, and how long they may be idle. */
  readonly limits: ConnectionLimits.Options
}

/** An answer that is not done, and whether its client would keep the connection; and the one that was begun next. */
interface Begun {
  readonly response: ServerResponse
  readonly keepAlive: boolean
  next: Begun | undefined
}

interface Link {
  readonly entry: ConnectionLimits.Entry
  /** The requests that are not answered yet. */
  open: number
  /** How many bytes had been parsed when the last answer was done: more means that a request has begun. */
  read: number
  /** The answer that its client reads now, or waits for: those behind it are not sent before it is. */
  first: Begun | undefined
  /** The answer that was begun last. */
  last: Begun | undefined
  /** The complete answer that the client has not read, as of the last check. */
  unread: UnreadAnswers.Unread | undefined
}

/**
 * How many requests may wait behind others on their connections, in all. Each holds some 7 kB, with its answer; browsers and
 * proxies send one at a time.
 */
export const maxBehind = 10_000

/** Where Node tells, for all servers of the process, of each request whose head it has read. */
const requestsBegin = "http.server.request.start"

/** How often the connections are checked, in milliseconds, unless a time-out is shorter. */
const maxInterval = 1_000

/** How many connections are closed in one turn: each takes some ten microseconds, and nobody looks at the others. */
const closedAtOnce = 16

/** Node's own, which its types leave out. */
interface Parsed extends Socket {
  readonly parser?: { onIncoming: (request: { upgrade: boolean }) => number } | null
}

/**
 * Cuts a connection in whose requests Node is reading. It would read on to the end of what it holds, in which are another
 * thousand; told that what follows is no HTTP, it stops.
 */
const cut = (socket: Parsed): void => {
  socket.destroy()
  if (!socket.parser) return
  socket.parser.onIncoming = (request) => {
    request.upgrade = false
    return 2
  }
}

/** Watches the connections of a server from its first. */
const watch = (server: Server, limits: ConnectionLimits.ConnectionLimits) => {
  const links = new Map<Socket, Link>()
  let accepted = 0
  let behind = 0
  let held: Array<Socket> | undefined
  let draining = false
  let lingered = false
  let onGone = () => {}

  const isIdle = (socket: Socket, link: Link) => link.open === 0 && socket.bytesRead === link.read

  /** One function for all answers, which Node calls with the answer as `this`. */
  function end(this: ServerResponse): void {
    const { socket } = this.req
    const link = links.get(socket)
    // The connection is gone.
    if (link === undefined) return
    if (--link.open > 0) behind--
    link.read = socket.bytesRead - FairReading.unparsed(socket)
    // Node ends them in the order in which they were begun.
    link.first = link.first?.next
    if (link.open === 0) limits.idle(link.entry, performance.now())
    if (link.open === 0) link.first = link.last = undefined
    if (lingered && isIdle(socket, link)) socket.destroySoon()
  }

  const begin = (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    const link = links.get(socket)
    if (link === undefined) return
    if (link.open++ === 0) limits.busy(link.entry)
    else if (++behind > maxBehind) cut(socket)
    // The last answer of several that were asked for at once closes the connection: not one before it.
    if (draining && link.last !== undefined && !link.last.response.headersSent) {
      link.last.response.shouldKeepAlive = link.last.keepAlive
    }
    const begun: Begun = { response, keepAlive: response.shouldKeepAlive, next: undefined }
    if (link.last === undefined) link.first = begun
    else link.last.next = begun
    link.last = begun
    if (draining) response.shouldKeepAlive = false
    response.on("close", end)
  }

  /** Reads nothing from a connection until `release`. */
  const hold = (socket: Socket) => {
    if (held === undefined || socket.isPaused()) return
    socket.pause()
    held.push(socket)
  }

  const release = () => {
    for (const socket of held ?? []) socket.resume()
    held = undefined
  }

  server.on("connection", (socket) => {
    accepted++
    const entry = limits.open(socket, performance.now())
    if (entry === undefined) return
    const link: Link = { entry, open: 0, read: 0, first: undefined, last: undefined, unread: undefined }
    links.set(socket, link)
    socket.once("close", () => {
      links.delete(socket)
      limits.remove(entry)
      if (link.open > 1) behind -= link.open - 1
      // Node does so itself, but where a CONNECT came behind them: then it forgets them, and whoever makes them goes on.
      for (let begun = link.first; begun !== undefined; begun = begun.next) begun.response.destroy()
      if (links.size === 0) onGone()
    })
    // Not now: Node has it read from the next tick on.
    process.nextTick(hold, socket)
  })
  // Not by the server's events: there is none of what Node answers by itself, as where no `Host` is named. That waits too.
  const onBegun = (message: unknown) => {
    const begun = message as {
      readonly server: Server
      readonly request: IncomingMessage
      readonly response: ServerResponse
    }
    if (begun.server === server) begin(begun.request, begun.response)
  }
  server.on("listening", () => diagnostics.subscribe(requestsBegin, onBegun))
  server.on("close", () => diagnostics.unsubscribe(requestsBegin, onBegun))
  // What Node calls when it stops listening; ours is `closeIdle`.
  server.closeIdleConnections = () => {}

  const closeIdle = (done: () => void): void =>
    afterQuietPoll(
      () => 0,
      () => {
        lingered = true
        let closed = 0
        for (const [socket, link] of links) {
          if (socket.writableEnded || !isIdle(socket, link)) continue
          if (closed++ === closedAtOnce) return closeIdle(done)
          socket.destroySoon()
        }
        done()
      }
    )

  return {
    /** Closes the connections on which no byte of a complete answer has moved for `patience` milliseconds. */
    closeUnread: (patience: number, now: number): void => {
      for (const [socket, link] of links) {
        link.unread = UnreadAnswers.observe(link.unread, socket, link.first?.response, now)
        if (link.unread !== undefined && now - link.unread.since >= patience) socket.destroy()
      }
    },
    /**
     * Takes what the system has taken for us, with nothing else to do meanwhile, stops listening, and tells each client
     * to let its connection end. Calls back when it no longer listens.
     */
    stop: (done: () => void): void => {
      held = []
      for (const socket of links.keys()) hold(socket)
      // A function's first call takes several times as long as its second, and the door stands open meanwhile.
      const rehearsal = createServer()
      rehearsal.closeIdleConnections = () => {}
      rehearsal.close()
      afterQuietPoll(
        () => accepted,
        () => {
          server.close()
          // Not before it: whoever is told so would come back at once, to a door that is about to shut.
          draining = true
          for (const { last } of links.values()) {
            if (last !== undefined && !last.response.headersSent) last.response.shouldKeepAlive = false
          }
          release()
          done()
        }
      )
    },
    /** Closes every connection without a request, and the others as soon as they are. Calls back when the first are. */
    closeIdle,
    /** Calls back when the last connection has gone, and whoever waited for that was told. */
    whenGone: (done: () => void): void => {
      // Behind us stand the listeners of its last answer.
      onGone = () => process.nextTick(done)
      if (links.size === 0) onGone()
    },
    cut: () => {
      for (const socket of links.keys()) socket.destroy()
    }
  }
}

/**
 * Waits by the process's time and not by a test's, which sockets do not follow. A timer of Node's would not do: asked for
 * more than 24.8 days it goes off at once.
 */
const wait = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.provideService(Effect.sleep(duration), Clock.Clock, Clock.Clock.defaultValue())

/**
 * Ends connections whose clients do not read; and ends the server when the scope closes, and waits until its connections
 * are closed, which takes `end` at most. `server` must not listen yet. Build it on top of the layer that serves, so that it
 * is finalized before it.
 */
export const layer = (
  server: Server,
  options: Options,
  context: Context.Context<never> = Context.empty()
): Layer.Layer<never> => {
  const limits = ConnectionLimits.make(options.limits, context)
  const connections = watch(server, limits)
  const interval = Math.min(maxInterval, Math.ceil(Math.min(options.unreadTimeout, options.limits.idle.head) / 4))
  const checking = Effect.forever(
    Effect.andThen(
      wait(interval),
      Effect.suspend(() => {
        const now = performance.now()
        connections.closeUnread(options.unreadTimeout, now)
        limits.closeIdle(now)
        return ConnectionLimits.report(limits, now)
      })
    )
  )
  const close = Effect.all(
    [
      Effect.callback<void>((resume) => connections.stop(() => resume(Effect.void))).pipe(
        Effect.andThen(wait(options.linger)),
        Effect.andThen(Effect.callback<void>((resume) => connections.closeIdle(() => resume(Effect.void))))
      ),
      Effect.andThen(wait(options.end), Effect.sync(connections.cut))
    ],
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.interruptible)
  // A server of Node's says that it is closed before its last connections say so. Whoever is told of the one alone would
  // take away what answers still stand on, and what then breaks under them looks like a fault of the agent's.
  const closed = Effect.callback<void>(
    (resume) => void server.once("close", () => connections.whenGone(() => resume(Effect.void)))
  )
  return Layer.effectDiscard(
    Effect.addFinalizer(() =>
      Effect.flatMap(Effect.forkDetach(close), (fiber) =>
        Effect.ensuring(
          closed,
          Effect.sync(() => fiber.interruptUnsafe())
        )
      )
    ).pipe(Effect.andThen(Effect.forkScoped(checking)))
  )
}
