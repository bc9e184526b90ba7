/**
 * Reads connections in slices, in turn by client address, so that one client's data does not delay the other clients'.
 *
 * Left to itself, Node parses up to 2 MiB of a connection before it looks at another one: with chunks of one byte that is
 * 350,000 events, and with pipelined requests some thousands of answers. Here a client's data is parsed at once only as far
 * as `direct` bytes in a turn of the event loop. The rest waits in slices, which are parsed as many as `core/limits/TurnBudget` allows.
 * A connection with data that waits is not read. What is pipelined behind an unanswered request waits for its answer.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { clientKey } from "../../core/limits/ClientKey.ts"
import * as FairQueue from "../../core/limits/FairQueue.ts"
import * as TurnBudget from "../../core/limits/TurnBudget.ts"

export interface Options {
  /**
   * What a client is counted by, given the address of the connection's peer; undefined if the address says nothing of the
   * client, as with a proxy. Each such connection counts by itself.
   */
  readonly ownerOf: (address: string) => string | undefined
}

/** How many bytes of a client are parsed at once in a turn of the event loop. */
export const direct = 2_048

/** How many bytes of a connection are parsed when it is its turn. */
const sliceBytes = 1_024

/** Node's own fields, which its types leave out. */
interface Parsed extends Socket {
  readonly parser?: { readonly incoming: IncomingMessage | null } | null
  /** The answer that is written now. */
  readonly _httpMessage?: ServerResponse | null
}

interface Client {
  /** The turn of the event loop in which data was last parsed at once. */
  turn: number
  /** The bytes that were parsed at once in that turn. */
  bytes: number
  connections: number
}

type Listener = (...args: ReadonlyArray<unknown>) => void

const waitingOf = new WeakMap<Socket, () => number>()

/** How many bytes of a connection have come and are not parsed yet. */
export const unparsed = (socket: Socket): number => socket.readableLength + (waitingOf.get(socket)?.() ?? 0)

/** Has a server, which does not listen yet, read its connections in slices. */
export const watch = (server: Server, { ownerOf }: Options): void => {
  const clients = new Map<string, Client>()
  const queue = FairQueue.make<() => void>()
  let [turn, unowned, slices, lastParsed] = [0, 0, 1, 0]
  let [isCounting, isScheduled] = [false, false]

  const nextTurn = () => {
    turn++
    isCounting = false
  }

  const parseWaiting = () => {
    const now = performance.now()
    slices = TurnBudget.next(slices, now - lastParsed)
    lastParsed = now
    for (let count = 0; count < slices && queue.size() > 0; count++) queue.take()?.()
    if (queue.size() > 0) setImmediate(parseWaiting)
    else isScheduled = false
  }

  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    lastParsed = performance.now()
    setImmediate(parseWaiting)
  }

  server.on("connection", (socket: Parsed) => {
    const onData = socket.listeners("data").at(-1) as Listener
    const onEnd = socket.listeners("end").at(-1) as Listener
    const owner = ownerOf(socket.remoteAddress ?? "unknown") ?? `connection ${++unowned}`
    const client = clients.get(owner) ?? { turn, bytes: 0, connections: 0 }
    clients.set(owner, client)
    client.connections++
    let waiting: Array<Buffer> = []
    let at = 0
    let awaited: ServerResponse | undefined
    let [hasEnded, isEndParsed, isStopped] = [false, false, false]

    waitingOf.set(socket, () => waiting.reduce((sum, { length }) => sum + length, -at))

    const isOver = () => socket.destroyed || socket.writableEnded || !socket.parser
    const forget = () => {
      waiting = []
      at = 0
    }
    const wait = () => {
      queue.add(owner, parseSlice)
      schedule()
    }
    /** The answer to a request before the one that is parsed: what follows waits for it, however long it takes. */
    const unanswered = () => {
      const answer = socket._httpMessage
      return answer && answer.req !== socket.parser?.incoming ? answer : undefined
    }
    const proceed = () => {
      if (!hasEnded) Socket.prototype.resume.call(socket)
      else if (!isEndParsed && socket.parser) {
        isEndParsed = true
        onEnd()
      }
    }
    const parseSlice = () => {
      if (isOver()) forget()
      const [first] = waiting
      if (first === undefined || isStopped) return
      const answer = unanswered()
      if (answer !== undefined) {
        if (answer !== awaited) answer.once("close", wait)
        awaited = answer
        return
      }
      const slice = first.subarray(at, at + sliceBytes)
      at += slice.length
      if (at === first.length) {
        waiting.shift()
        at = 0
      }
      onData(slice)
      if (isStopped) return
      if (waiting.length > 0) wait()
      else proceed()
    }

    socket.off("data", onData).off("end", onEnd)
    // Node has its parser read the connection past JavaScript, until there is a listener.
    socket.on("data", (data: Buffer) => {
      if (isOver()) return
      if (client.turn !== turn) {
        client.turn = turn
        client.bytes = 0
      }
      client.bytes += data.length
      if (!isCounting) {
        isCounting = true
        setImmediate(nextTurn)
      }
      const isAtOnce = waiting.length === 0 && client.bytes <= direct && !isStopped && unanswered() === undefined
      if (isAtOnce) return onData(data)
      waiting.push(data)
      Socket.prototype.pause.call(socket)
      wait()
    })
    socket.on("end", () => {
      hasEnded = true
      if (waiting.length === 0 && !isStopped) proceed()
    })
    // Node calls them as a body's reader and the reader of the answers keep up, or do not.
    socket.pause = () => {
      isStopped = true
      return Socket.prototype.pause.call(socket) as Socket
    }
    socket.resume = () => {
      isStopped = false
      if (waiting.length > 0) wait()
      else proceed()
      return socket
    }
    socket.once("close", () => {
      forget()
      if (--client.connections === 0) clients.delete(owner)
    })
  })
}

/** Counts by address, except for addresses that `isShared` by many clients. */
export const byAddress =
  (isShared: (address: string) => boolean): Options["ownerOf"] =>
  (address) =>
    isShared(address) ? undefined : clientKey(address)
