/**
 * Bounds a server's connections, in the process and per address, and the requests that a connection pipelines.
 * Closes the connections whose client does not read, and on shutdown all of them, without losing requests.
 *
 * Exclusion: Node parses all that it has read of a connection, 64 KiB or more, before it turns to the next one, and accepts one
 * connection in a turn of the event loop. Pipelined requests and tiny chunks, of which a buffer has hundreds or thousands,
 * therefore hold up all other clients, and the connections of one address could do so for seconds in each turn. No browser and no
 * proxy sends them, so the connection is closed, and its address is excluded for a while.
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
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import * as Net from "node:net"
import type { Duplex } from "node:stream"
import { Clock, Context, type Duration, Effect, Option, type Scope } from "effect"
import { clientKey } from "../limits/ClientAddress.ts"
import * as Rounds from "../rounds/Rounds.ts"
import * as Metrics from "../telemetry/Metrics.ts"

export interface Options {
  /** How long idle connections stay open after the server stops listening. */
  readonly linger: Duration.Input
  /** When all remaining connections are destroyed, counted from the start of the shutdown. */
  readonly end: Duration.Input
  /** For how many milliseconds a client may read nothing of a response. */
  readonly unreadTimeout: number
  /** The maximum number of connections in the process. */
  readonly total: number
  /** The maximum number of connections per address; an IPv6 /64 network counts as one address. */
  readonly perAddress: Option.Option<number>
  /** Whether an address is exempt from `perAddress` and from exclusion. */
  readonly isProxy: (address: string) => boolean
}

/** The connections of a client, or of all. */
interface Group {
  size: number
  /** Those without an open request, the longest idle first. */
  readonly idle: Set<Connection>
}

interface Connection {
  readonly socket: Net.Socket
  /** The key of its client; undefined if its address is exempt. */
  readonly key: string | undefined
  readonly groups: ReadonlyArray<Group>
  /** The responses in progress, in the order of their requests. */
  readonly responses: Array<ServerResponse>
  /** How many requests began before an earlier one was answered, since the connection was last idle for `pause`. */
  pipelined: number
  /** When all requests were last answered, in milliseconds. */
  idleSince: number
  /** Bytes read when the last response ended. If the socket has read more, another request has begun. */
  parsedBytes: number
  /** Adds to the points of its address. */
  readonly penalize: (points: number) => void
}

/** The maximum number of requests of a connection that begin before an earlier one is answered, without a `pause` in between. */
export const maxPipelined = 32

/**
 * In milliseconds. A client that pipelines now and then, such as a program that reuses a connection for hours, is idle for longer in
 * between.
 */
const pause = 1_000

/** The maximum number of bytes between two requests: more than the rest of a body that is not large, and the next head. */
const maxBetween = 131_072

/** How many of these requests one with a large body counts for. */
const largeAsMany = 8

/**
 * An address with this many points is excluded. A connection that is closed with an unread large body is one point: the people of
 * one office may send a few such bodies at once, which are too large for the service.
 */
export const excluding = 50

/** How long an address is excluded. Points below `excluding` also last this long, after the first of them. In milliseconds. */
const exclusion = 10_000

/** The maximum number of addresses with points. */
const maxPenalized = 10_000

/** In milliseconds. After a turn this short, hardly anything has arrived since the event loop polled the sockets. */
const shortTurn = 0.2

/** In milliseconds. A busy machine may have no short turn. */
const maxWait = 1_000

/**
 * Calls `callback` right after the event loop polled all sockets: at the end of the first turn that is short and in which `count`
 * does not grow. After `maxWait`, any turn will do. A turn accepts only one connection, so many turns may pass first. Each turn
 * begins with a timer, because the system rarely preempts a process that just woke up, and so the turn is rarely interrupted.
 */
const afterQuietPoll = (count: () => number, callback: () => void): void => {
  const startedAt = performance.now()
  const turn = () => {
    const [before, wokenAt] = [count(), performance.now()]
    // The event loop polls the sockets between the timer and this callback.
    setImmediate(() => {
      const now = performance.now()
      if ((count() === before && now - wokenAt < shortTurn) || now - startedAt > maxWait) callback()
      else setTimeout(turn, 1)
    })
  }
  setTimeout(turn, 1)
}

const connectionOf = new WeakMap<Duplex, Connection>()

/** The response that a connection is sending; `undefined` if no request is open. */
export const currentResponse = (socket: Duplex): ServerResponse | undefined => connectionOf.get(socket)?.responses[0]

/**
 * Excludes the address of a connection, unless it is exempt: its idle connections are closed, and new ones are refused for
 * `exclusion`.
 */
export const exclude = (socket: Duplex): void => connectionOf.get(socket)?.penalize(excluding)

/** The minimum time between two warnings about one bound, in milliseconds. */
const warningInterval = 60_000

const advice = {
  process: "Raise the limit of open files (`ulimit -n`, LimitNOFILE) if they come from visitors.",
  address: "Raise CONNECTIONS_PER_ADDRESS if they come from visitors, or name their proxy in TRUSTED_PROXIES.",
  exclusion: "If the address is your reverse proxy, add its network to TRUSTED_PROXIES."
}

/** Why connections are closed or refused. */
type Bound = keyof typeof advice

/** Counts the connections that are closed or refused because of one bound, and reports the counts at most once a minute. */
const reporter = (bound: Bound, what: string, context: Context.Context<never>) => {
  const count = { closed: 0, refused: 0 }
  const metrics = {
    closed: Metrics.connectionsLimited({ bound, outcome: "closed" }),
    refused: Metrics.connectionsLimited({ bound, outcome: "refused" })
  }
  for (const metric of Object.values(metrics)) metric.updateUnsafe(0, context)
  let quietUntil = Number.NEGATIVE_INFINITY
  return {
    record: (outcome: keyof typeof count) => {
      count[outcome]++
      metrics[outcome].updateUnsafe(1, context)
    },
    warn: (now: number): Effect.Effect<void> => {
      const { closed, refused } = count
      if (closed + refused === 0 || now < quietUntil) return Effect.void
      count.closed = count.refused = 0
      quietUntil = now + warningInterval
      return Effect.logWarning(
        `${what}: ${closed} idle ones were closed, ${refused} new ones refused. ${advice[bound]}`
      )
    }
  }
}

/** Whether the body of a request may be large. Node reads the rest of a body after the response, to keep the connection open. */
const mayBeLarge = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"]) > 65_536

/** Tracks the connections of a server that does not listen yet. */
const watch = (server: Server, options: Options, context: Context.Context<never>) => {
  const perAddress = Option.getOrElse(options.perAddress, () => Number.POSITIVE_INFINITY)
  const connections = new Map<Net.Socket, Connection>()
  const all: Group = { size: 0, idle: new Set() }
  const clients = new Map<string, Group>()
  /** The addresses with points, the first to expire first. */
  const penalties = new Map<string, { readonly points: number; readonly until: number }>()
  const reports = {
    process: reporter("process", `The process reached its limit of ${options.total} connections`, context),
    address: reporter("address", `An address reached its limit of ${perAddress} connections`, context),
    exclusion: reporter("exclusion", "An address was excluded, because its connections held up all others", context)
  }
  /** The open requests whose body may be large. The headers that tell are freed when the response ends. */
  const large = new WeakSet<IncomingMessage>()
  let accepted = 0
  let held: Array<Net.Socket> | undefined
  let isDraining = false
  let isLingerOver = false
  let onEmpty = () => {}

  const isIdle = ({ parsedBytes, responses, socket }: Connection) =>
    responses.length === 0 && socket.bytesRead === parsedBytes

  /** One function for all responses, without a closure for each: Node passes the response as `this`. */
  function onResponseClose(this: ServerResponse): void {
    const connection = connections.get(this.req.socket)
    if (connection === undefined) return
    // Responses end in the order of their requests.
    connection.responses.shift()
    if (!this.req.complete && large.has(this.req)) {
      connection.penalize(1)
      connection.socket.destroySoon()
    }
    if (connection.responses.length > 0) return
    connection.parsedBytes = connection.socket.bytesRead
    connection.idleSince = performance.now()
    for (const { idle } of connection.groups) idle.add(connection)
    if (isLingerOver && isIdle(connection)) connection.socket.destroySoon()
  }

  /** Makes the newest response close its connection; those before it must not. */
  const closeAfterNewest = ({ responses }: Connection) => {
    const [newest, previous] = [responses.at(-1), responses.at(-2)]
    if (newest?.headersSent === false) newest.setHeader("Connection", "close")
    if (previous?.headersSent === false) previous.removeHeader("Connection")
  }

  /** Destroys a connection whose client holds up the others, and excludes its address. */
  const abandon = ({ penalize, socket }: Connection) => {
    penalize(excluding)
    socket.destroy()
  }

  const begin = (request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    const connection = connections.get(socket)
    if (connection === undefined || socket.destroyed) return
    const { groups, key, responses } = connection
    const isLarge = mayBeLarge(request)
    if (isLarge) large.add(request)
    if (responses.length === 0) {
      if (performance.now() - connection.idleSince >= pause) connection.pipelined = 0
      for (const { idle } of groups) idle.delete(connection)
    } else {
      connection.pipelined += isLarge ? largeAsMany : 1
      if (connection.pipelined > maxPipelined || isExcluded(key)) abandon(connection)
    }
    responses.push(response)
    if (isDraining) closeAfterNewest(connection)
    response.on("close", onResponseClose)
  }

  /** Pauses a connection from `stop` until `release`. Does nothing at any other time. */
  const hold = (socket: Net.Socket) => {
    if (held === undefined || socket.isPaused()) return
    socket.pause()
    held.push(socket)
  }

  const release = () => {
    for (const socket of held ?? []) socket.resume()
    held = undefined
  }

  const forget = (connection: Connection) => {
    if (!connections.delete(connection.socket)) return
    for (const group of connection.groups) {
      group.size--
      group.idle.delete(connection)
      if (group.size === 0 && group !== all) clients.delete(connection.key ?? "")
    }
    // Node destroys the pending responses itself, except after a CONNECT: without this, their handlers would continue.
    for (const response of connection.responses) response.destroy()
    if (connections.size === 0) onEmpty()
  }

  /** Makes room for a new connection by closing the one that has been idle for the longest time. False if none is idle. */
  const makeRoom = (group: Group, bound: Bound): boolean => {
    const [longestIdle] = group.idle
    reports[bound].record(longestIdle === undefined ? "refused" : "closed")
    if (longestIdle === undefined) return false
    forget(longestIdle)
    longestIdle.socket.destroy()
    return true
  }

  /** Whether a new connection of a client is accepted. */
  const isAccepted = (key: string | undefined): boolean => {
    if (isExcluded(key)) {
      reports.exclusion.record("refused")
      return false
    }
    const client = key === undefined ? undefined : clients.get(key)
    if (client !== undefined && client.size >= perAddress) return makeRoom(client, "address")
    return all.size < options.total || makeRoom(all, "process")
  }

  const groupOf = (key: string): Group => {
    const group = clients.get(key) ?? { size: 0, idle: new Set() }
    clients.set(key, group)
    return group
  }

  /** The points of an address. */
  const pointsOf = (key: string): number => {
    const { points, until } = penalties.get(key) ?? { points: 0, until: 0 }
    return until > performance.now() ? points : 0
  }

  const isExcluded = (key: string | undefined): boolean => key !== undefined && pointsOf(key) >= excluding

  const penalize = (key: string, more: number): void => {
    const earlier = pointsOf(key)
    const points = earlier + more
    const isNew = earlier === 0 || points >= excluding
    const until = isNew ? performance.now() + exclusion : (penalties.get(key)?.until ?? 0)
    if (isNew) penalties.delete(key)
    penalties.set(key, { points, until })
    const [first] = penalties.keys()
    if (penalties.size > maxPenalized && first !== undefined) penalties.delete(first)
    if (points < excluding) return
    for (const { socket } of clients.get(key)?.idle ?? []) {
      if (socket.destroyed) continue
      reports.exclusion.record("closed")
      socket.destroy()
    }
  }

  server.on("connection", (socket: Net.Socket) => {
    accepted++
    const { remoteAddress = "unknown" } = socket
    const isExempt = Option.isNone(options.perAddress) || options.isProxy(remoteAddress)
    const key = isExempt ? undefined : clientKey(remoteAddress)
    if (!isAccepted(key)) return void socket.resetAndDestroy()
    const connection: Connection = {
      socket,
      key,
      groups: key === undefined ? [all] : [all, groupOf(key)],
      responses: [],
      pipelined: 0,
      idleSince: performance.now(),
      parsedBytes: 0,
      penalize: (points) => {
        if (key !== undefined) penalize(key, points)
      }
    }
    connections.set(socket, connection)
    connectionOf.set(socket, connection)
    for (const group of connection.groups) {
      group.size++
      group.idle.add(connection)
    }
    socket.once("close", () => forget(connection))
    // Node starts reading on the next tick, so an earlier pause has no effect.
    process.nextTick(hold, socket)
  })
  // Every request causes one of these events.
  server.on("request", begin).on("checkContinue", begin).on("checkExpectation", begin)
  // Called after `unreadTimeout` in which nothing was sent or received, and when a connection was kept alive for long enough.
  server.setTimeout(options.unreadTimeout, (socket) => {
    if (currentResponse(socket) === undefined || socket.writableLength > 0) socket.destroy()
  })

  return {
    /** Abandons the connections on which only blank lines arrive. */
    closeBlank: (): void => {
      for (const connection of all.idle) {
        if (connection.socket.bytesRead - connection.parsedBytes > maxBetween) abandon(connection)
      }
    },
    warn: (now: number) => Effect.forEach(Object.values(reports), ({ warn }) => warn(now), { discard: true }),
    /**
     * Accepts the connections in the system's backlog while all others are paused, stops listening, and lets each response
     * close its connection. Calls back when the server no longer listens.
     */
    stop: (done: () => void): void => {
      held = []
      for (const socket of connections.keys()) hold(socket)
      afterQuietPoll(
        () => accepted,
        () => {
          // Unlike the method of an HTTP server, this leaves idle connections open.
          Net.Server.prototype.close.call(server)
          // After `close`: a client that sees `Connection: close` reconnects at once, and its connection would be reset.
          isDraining = true
          for (const connection of connections.values()) closeAfterNewest(connection)
          release()
          done()
        }
      )
    },
    /** Closes idle connections, and the others once they are idle. */
    closeIdle: (): void =>
      afterQuietPoll(
        () => 0,
        () => {
          isLingerOver = true
          for (const connection of connections.values()) if (isIdle(connection)) connection.socket.destroySoon()
        }
      ),
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
 * Starts to track the connections of a server that does not listen yet. The returned effect checks the connections each second.
 * When its scope closes, it shuts the server down and waits until the connections are closed, at most for `end`.
 */
export const track = (
  server: Server,
  options: Options,
  context: Context.Context<never> = Context.empty()
): Effect.Effect<void, never, Scope.Scope> => {
  const connections = watch(server, options, context)
  const checking = realSleep("1 second").pipe(
    Effect.andThen(Effect.sync(connections.closeBlank)),
    Effect.andThen(Effect.suspend(() => connections.warn(performance.now()))),
    Rounds.recover("The connections could not be checked; retrying"),
    Effect.forever
  )
  const close = Effect.callback<void>((resume) => connections.stop(() => resume(Effect.void))).pipe(
    Effect.andThen(realSleep(options.linger)),
    Effect.andThen(Effect.sync(connections.closeIdle))
  )
  const closing = Effect.all([close, Effect.andThen(realSleep(options.end), Effect.sync(connections.destroyAll))], {
    concurrency: "unbounded"
  })
  // Node emits the server's `close` before that of its last connections. Releasing services between the two would break
  // responses in progress, and the log would report failures of the agent.
  const closed = Effect.callback<void>(
    (resume) => void server.once("close", () => connections.whenEmpty(() => resume(Effect.void)))
  )
  const shutDown = Effect.raceFirst(closed, Effect.interruptible(Effect.andThen(closing, Effect.never)))
  return Effect.addFinalizer(() => shutDown).pipe(Effect.andThen(Effect.forkScoped(checking)), Effect.asVoid)
}
