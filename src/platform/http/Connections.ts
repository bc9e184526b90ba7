/**
 * Closes a server's connections: on shutdown without losing requests, when a client does not read its responses, when too
 * many pipelined requests are queued, and when `ConnectionLimits` requires it.
 *
 * Pipelining: Node reads 2 MiB of a connection at a time, up to 50,000 requests, before it answers the first, and then reads
 * more. One connection can hold a gigabyte, and freeing it blocks the process for seconds. So the process limits the number
 * of requests that wait for an earlier request on the same connection.
 *
 * Shutdown: Node's own `close` destroys every idle connection at once, even if a request is in flight on it, and waits for
 * the others without a limit. This module first accepts every connection in the system's backlog and then stops listening.
 * From then on each response says `Connection: close`. Idle connections stay open for `linger`, in case a request is in
 * flight, and are then closed gracefully. After `end` all remaining connections are destroyed.
 *
 * Two races remain. The system accepts connections until the call that stops listening, and resets those that the process
 * has not accepted. A request may also arrive while its connection is being closed. Both windows last a fraction of a
 * millisecond. A proxy that keeps connections alive rarely hits them; with one that opens a connection per request, one
 * restart in several hundred fails a request.
 *
 * @module
 */
import { createServer, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { Clock, Context, type Duration, Effect, type Scope } from "effect"
import * as ConnectionLimits from "../../http/server/ConnectionLimits.ts"
import * as FairReading from "../../http/server/FairReading.ts"
import { onRequestStart } from "../../http/server/RequestStart.ts"
import * as UnreadResponses from "../../http/server/UnreadResponses.ts"
import { afterQuietPoll } from "../../runtime/EventLoop.ts"
import * as NodeInternals from "../../runtime/NodeInternals.ts"
import * as Rounds from "../../runtime/Rounds.ts"

export interface Options {
  /** How long idle connections stay open after the server stops listening. */
  readonly linger: Duration.Input
  /** When all remaining connections are destroyed, counted from the start of the shutdown. */
  readonly end: Duration.Input
  /** Within how many milliseconds a client must read `UnreadResponses.minBytes` of a response that waits for it. */
  readonly unreadTimeout: number
  readonly limits: ConnectionLimits.Options
}

/** A response in progress, in a linked list per connection in request order. */
interface PendingResponse {
  readonly response: ServerResponse
  /** Whether the connection would stay open after the response, before `closeAfter` prevented it. */
  keepAlive: boolean
  next: PendingResponse | undefined
}

interface ConnectionState {
  readonly entry: ConnectionLimits.Entry
  /** The number of unanswered requests. */
  openRequests: number
  /** Bytes parsed when the last response ended. If the socket has read more, another request has begun. */
  parsedBytes: number
  /** The oldest response in progress; the later ones are sent after it. */
  first: PendingResponse | undefined
  /** The newest response in progress. */
  last: PendingResponse | undefined
  /** The response that the client has not read, as of the last check. */
  unread: UnreadResponses.Unread | undefined
}

/**
 * The maximum number of pipelined requests that wait for an earlier one, over all connections. Each holds about 7 kB with
 * its response. Browsers and proxies do not pipeline.
 */
export const maxPipelined = 10_000

/** The maximum interval between checks of the connections, in milliseconds. */
const maxInterval = 1_000

/** How many connections are closed in one turn of the event loop: each takes about 10 µs, and requests may arrive meanwhile. */
const closesPerTurn = 16

/** Tracks the connections of a server that does not listen yet. */
const watch = (server: Server, limits: ConnectionLimits.ConnectionLimits) => {
  const connections = new Map<Socket, ConnectionState>()
  let accepted = 0
  let pipelined = 0
  let held: Array<Socket> | undefined
  let isDraining = false
  let isLingerOver = false
  let onEmpty = () => {}

  const isIdle = (socket: Socket, state: ConnectionState) =>
    state.openRequests === 0 && socket.bytesRead === state.parsedBytes

  /** One function for all responses, without a closure for each: Node passes the response as `this`. */
  function onResponseClose(this: ServerResponse): void {
    const { socket } = this.req
    const state = connections.get(socket)
    if (state === undefined) return
    if (--state.openRequests > 0) pipelined--
    state.parsedBytes = socket.bytesRead - FairReading.unparsed(socket)
    // Responses end in request order.
    state.first = state.first?.next
    if (state.openRequests === 0) limits.markIdle(state.entry, performance.now())
    if (state.openRequests === 0) state.first = state.last = undefined
    if (isLingerOver && isIdle(socket, state)) socket.destroySoon()
  }

  /** Makes a response close the connection, unless its head is sent already. */
  const closeAfter = (pending: PendingResponse) => {
    if (!pending.response.headersSent) pending.keepAlive = NodeInternals.setKeepAlive(pending.response, false)
  }

  onRequestStart(server, ({ response, socket }) => {
    const state = connections.get(socket)
    if (state === undefined) return
    if (state.openRequests++ === 0) limits.markBusy(state.entry)
    else if (++pipelined > maxPipelined) NodeInternals.destroyWhileParsing(socket)
    // Only the last of several pipelined responses may close the connection.
    if (isDraining && state.last !== undefined && !state.last.response.headersSent) {
      NodeInternals.setKeepAlive(state.last.response, state.last.keepAlive)
    }
    const pending: PendingResponse = { response, keepAlive: true, next: undefined }
    if (state.last === undefined) state.first = pending
    else state.last.next = pending
    state.last = pending
    if (isDraining) closeAfter(pending)
    response.on("close", onResponseClose)
  })

  /** Pauses a connection from `stop` until `release`. Does nothing at any other time. */
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
    const state: ConnectionState = {
      entry,
      openRequests: 0,
      parsedBytes: 0,
      first: undefined,
      last: undefined,
      unread: undefined
    }
    connections.set(socket, state)
    socket.once("close", () => {
      connections.delete(socket)
      limits.remove(entry)
      if (state.openRequests > 1) pipelined -= state.openRequests - 1
      // Node destroys the pending responses itself, except after a CONNECT: without this, their handlers would continue.
      for (let pending = state.first; pending !== undefined; pending = pending.next) pending.response.destroy()
      if (connections.size === 0) onEmpty()
    })
    // Node starts reading on the next tick, so an earlier pause has no effect.
    process.nextTick(hold, socket)
  })
  // Idle connections are closed later, by `closeIdle`.
  NodeInternals.keepIdleOnClose(server)

  const closeIdle = (done: () => void): void =>
    afterQuietPoll(
      () => 0,
      () => {
        isLingerOver = true
        let closed = 0
        for (const [socket, state] of connections) {
          if (socket.writableEnded || !isIdle(socket, state)) continue
          if (closed++ === closesPerTurn) return closeIdle(done)
          socket.destroySoon()
        }
        done()
      }
    )

  return {
    /** Destroys the connections whose client reads too little of a response that waits for it for `timeout` milliseconds. */
    closeUnread: (timeout: number, now: number): void => {
      for (const [socket, state] of connections) {
        state.unread = UnreadResponses.observe(state.unread, socket, state.first?.response, now)
        if (state.unread !== undefined && now - state.unread.since >= timeout) socket.destroy()
      }
    },
    /**
     * Accepts the connections in the system's backlog while all others are paused, stops listening, and lets each response
     * close its connection. Calls back when the server no longer listens.
     */
    stop: (done: () => void): void => {
      held = []
      for (const socket of connections.keys()) hold(socket)
      // Warms up `close`: a first call takes 0.2 ms until the socket is closed instead of 0.08 ms, and connections that arrive
      // meanwhile are reset.
      createServer().close()
      afterQuietPoll(
        () => accepted,
        () => {
          server.close()
          // After `close`: a client that sees `Connection: close` reconnects at once, and its connection would be reset.
          isDraining = true
          for (const { last } of connections.values()) {
            if (last !== undefined) closeAfter(last)
          }
          release()
          done()
        }
      )
    },
    /** Closes idle connections, and the others once they are idle. Calls back when those that are idle now are closed. */
    closeIdle,
    /** Calls back when the last connection is closed and the listeners of its last response have run. */
    whenEmpty: (done: () => void): void => {
      // `onEmpty` is called in the connection's `close` event, and those listeners run later in the same tick.
      onEmpty = () => process.nextTick(done)
      if (connections.size === 0) onEmpty()
    },
    destroyAll: () => {
      for (const socket of connections.keys()) socket.destroy()
    }
  }
}

/**
 * Sleeps by the real clock, because sockets ignore a test's clock. Not `setTimeout`, which fires at once for delays of more
 * than 24.8 days.
 */
const realSleep = (duration: Duration.Input): Effect.Effect<void> =>
  Effect.provideService(Effect.sleep(duration), Clock.Clock, Clock.Clock.defaultValue())

/**
 * Starts to track the connections of a server that does not listen yet. The returned effect closes idle connections and those
 * whose clients do not read. When its scope closes, it shuts the server down and waits until the connections are closed, at
 * most for `end`.
 */
export const track = (
  server: Server,
  options: Options,
  context: Context.Context<never> = Context.empty()
): Effect.Effect<void, never, Scope.Scope> => {
  const limits = ConnectionLimits.make(options.limits, context)
  const connections = watch(server, limits)
  const interval = Math.min(maxInterval, Math.ceil(Math.min(options.unreadTimeout, options.limits.idle.head) / 4))
  const check = Effect.suspend(() => {
    const now = performance.now()
    connections.closeUnread(options.unreadTimeout, now)
    limits.closeIdle(now)
    return ConnectionLimits.report(limits, now)
  })
  const checking = realSleep(interval).pipe(
    Effect.andThen(check),
    Rounds.recover("The connections could not be checked; retrying"),
    Effect.forever
  )
  const close = Effect.all(
    [
      Effect.callback<void>((resume) => connections.stop(() => resume(Effect.void))).pipe(
        Effect.andThen(realSleep(options.linger)),
        Effect.andThen(Effect.callback<void>((resume) => connections.closeIdle(() => resume(Effect.void))))
      ),
      Effect.andThen(realSleep(options.end), Effect.sync(connections.destroyAll))
    ],
    { concurrency: "unbounded", discard: true }
  ).pipe(Effect.interruptible)
  // Node emits the server's `close` before that of its last connections. Releasing services between the two would break
  // responses in progress, and the log would report failures of the agent.
  const closed = Effect.callback<void>(
    (resume) => void server.once("close", () => connections.whenEmpty(() => resume(Effect.void)))
  )
  return Effect.addFinalizer(() =>
    Effect.raceFirst(closed, Effect.interruptible(Effect.andThen(close, Effect.never)))
  ).pipe(Effect.andThen(Effect.forkScoped(checking)), Effect.asVoid)
}
