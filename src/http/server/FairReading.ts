/**
 * Parses connections in slices, round robin by client address, so that one client's data does not delay the others'.
 *
 * By default Node parses up to 2 MiB of a connection before the next one: with one-byte chunks that is 350,000 events, with
 * pipelined requests thousands of responses. A connection is read in slices from its first request that is pipelined, has
 * many headers or may have a large body. For a minute after that, new connections of the same client are sliced from their
 * start. Once two clients pipeline within a minute, all connections are sliced for a minute, because Node would parse the first
 * 64 KiB, a thousand requests, of every further client's connection before it reads the next one. All other connections use
 * Node's native reading, which costs less.
 *
 * In a turn of the event loop, only the first `directBytes` bytes of each client's sliced connections are parsed at once, and
 * only if they hold no pipelined requests. The rest is queued in slices, round robin by client, or by the /48 network of IPv6
 * clients. `core/limits/TurnBudget` limits how many slices are parsed in a turn. A connection with queued data is paused. A
 * pipelined request is parsed once the earlier one is answered. None of this depends on the path of a request.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { clientKey, networkKey } from "../../core/limits/ClientKey.ts"
import * as FairQueue from "../../core/limits/FairQueue.ts"
import * as SmallBody from "../../core/limits/SmallBody.ts"
import * as TurnBudget from "../../core/limits/TurnBudget.ts"
import * as NodeInternals from "../../runtime/NodeInternals.ts"
import { onRequestStart } from "./RequestStart.ts"

export interface Options {
  /**
   * Maps the peer's address to the key of its client; `undefined` if the address does not identify a client, as with a
   * proxy. Each connection of such an address counts as a client of its own.
   */
  readonly ownerOf: (address: string) => string | undefined
}

/** How many bytes per client and turn of the event loop are parsed without queueing. */
export const directBytes = 2_048

/** The size of a slice in bytes. */
const sliceBytes = 1_024

interface Client {
  /** The turn of the event loop in which data last arrived. */
  turn: number
  /** The bytes that arrived in that turn. */
  bytes: number
  connections: number
}

/** How long a client's new connections are sliced from their start after one of its connections was sliced, in milliseconds. */
const suspicion = 60_000

/** The maximum number of clients that are remembered because a connection of theirs was sliced. */
const maxSuspects = 10_000

/** Heads with at most this many names and values are read natively: twice what browsers and proxies send. */
const fewHeaders = 128

/** Small bodies of known length are read natively. */
const mayHaveLargeBody = ({ headers }: IncomingMessage): boolean =>
  headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > SmallBody.maxBytes

/** Whether the data holds the ends of two heads, as with pipelined requests. */
const holdsTwoHeads = (data: Buffer): boolean => {
  const end = data.indexOf(endOfHead)
  return end !== -1 && data.indexOf(endOfHead, end + endOfHead.length) !== -1
}

const endOfHead = "\r\n\r\n"

const waitingOf = new WeakMap<Socket, () => number>()

/** How many received bytes of a connection are not parsed yet. */
export const unparsed = (socket: Socket): number => socket.readableLength + (waitingOf.get(socket)?.() ?? 0)

/** Makes a server, which must not listen yet, read in slices where this is necessary. */
export const install = (server: Server, { ownerOf }: Options): void => {
  const clients = new Map<string, Client>()
  const queue = FairQueue.make<() => void>()
  let [turn, unowned, sliceLimit, turnStart] = [0, 0, 1, 0]
  let [isCounting, isScheduled] = [false, false]

  const nextTurn = () => {
    turn++
    isCounting = false
  }

  const parseWaiting = () => {
    const now = performance.now()
    sliceLimit = TurnBudget.next(sliceLimit, now - turnStart)
    turnStart = now
    for (let count = 0; count < sliceLimit && queue.size() > 0; count++) queue.take()?.()
    if (queue.size() > 0) setImmediate(parseWaiting)
    else isScheduled = false
  }

  const schedule = () => {
    if (isScheduled) return
    isScheduled = true
    turnStart = performance.now()
    setImmediate(parseWaiting)
  }

  const open = new Set<Socket>()
  const sliced = new WeakSet<Socket>()
  /** Until when a client's new connections are sliced from their start, oldest first. */
  const suspects = new Map<string, number>()

  /** The client that pipelined last, and when; and until when all connections are sliced. */
  let [lastPipeliner, lastPipelinedAt, allUntil]: [string | undefined, number, number] = [undefined, -suspicion, 0]

  const recordPipelining = (socket: Socket) => {
    const owner = ownerOf(socket.remoteAddress ?? "unknown")
    if (owner === undefined) return
    const now = performance.now()
    const isSecond = owner !== lastPipeliner && now - lastPipelinedAt < suspicion
    lastPipeliner = owner
    lastPipelinedAt = now
    if (!isSecond) return
    const isFirstTime = allUntil < now
    allUntil = now + suspicion
    // The connections that are within a request are sliced from their next request.
    if (isFirstTime) for (const each of open) if (isBetweenRequests(each)) readInSlices(each)
  }

  const isBetweenRequests = (socket: Socket): boolean =>
    NodeInternals.hasParser(socket) && NodeInternals.currentRequest(socket) === undefined && !socket.isPaused()

  const readInSlices = (socket: Socket) => {
    if (sliced.has(socket)) return
    sliced.add(socket)
    const { onData, onEnd } = NodeInternals.parserListeners(socket)
    const owner = ownerOf(socket.remoteAddress ?? "unknown") ?? `connection ${++unowned}`
    const network = networkKey(owner) ?? owner
    const client = clients.get(owner) ?? { turn, bytes: 0, connections: 0 }
    clients.set(owner, client)
    client.connections++
    let waiting: Array<Buffer> = []
    let offset = 0
    let awaitedResponse: ServerResponse | undefined
    let [hasEnded, isEndParsed, isStopped] = [false, false, false]

    waitingOf.set(socket, () => waiting.reduce((sum, { length }) => sum + length, -offset))

    const isClosing = () => socket.destroyed || socket.writableEnded || !NodeInternals.hasParser(socket)
    const clear = () => {
      waiting = []
      offset = 0
    }
    const enqueue = () => {
      queue.add(network, parseSlice)
      schedule()
    }
    /** The response to a request before the one being parsed: later requests wait until it ends. */
    const earlierResponse = () => {
      const response = NodeInternals.currentResponse(socket)
      return response?.req === NodeInternals.currentRequest(socket) ? undefined : response
    }
    const continueReading = () => {
      if (!hasEnded) Socket.prototype.resume.call(socket)
      else if (!isEndParsed && NodeInternals.hasParser(socket)) {
        isEndParsed = true
        onEnd()
      }
    }
    const parseSlice = () => {
      if (isClosing()) clear()
      const [first] = waiting
      if (first === undefined || isStopped) return
      const response = earlierResponse()
      if (response !== undefined) {
        if (response !== awaitedResponse) response.once("close", enqueue)
        awaitedResponse = response
        return
      }
      const slice = first.subarray(offset, offset + sliceBytes)
      offset += slice.length
      if (offset === first.length) {
        waiting.shift()
        offset = 0
      }
      onData(slice)
      if (isStopped) return
      if (waiting.length > 0) enqueue()
      else continueReading()
    }

    socket.off("data", onData).off("end", onEnd)
    // Node's parser consumes the connection natively until a `data` listener is added.
    socket.on("data", (data: Buffer) => {
      if (isClosing()) return
      if (client.turn !== turn) {
        client.turn = turn
        client.bytes = 0
      }
      client.bytes += data.length
      if (!isCounting) {
        isCounting = true
        setImmediate(nextTurn)
      }
      const isDirect =
        waiting.length === 0 &&
        client.bytes <= directBytes &&
        !isStopped &&
        earlierResponse() === undefined &&
        !holdsTwoHeads(data)
      if (isDirect) return onData(data)
      waiting.push(data)
      Socket.prototype.pause.call(socket)
      enqueue()
    })
    socket.on("end", () => {
      hasEnded = true
      if (waiting.length === 0 && !isStopped) continueReading()
    })
    NodeInternals.replaceFlowControl(
      socket,
      () => {
        isStopped = true
        Socket.prototype.pause.call(socket)
      },
      () => {
        isStopped = false
        if (waiting.length > 0) enqueue()
        else continueReading()
      }
    )
    socket.once("close", () => {
      clear()
      if (--client.connections === 0) clients.delete(owner)
    })
  }

  /** Slices the connection, and for a while the new connections of its client. */
  const suspect = (socket: Socket) => {
    const key = ownerOf(socket.remoteAddress ?? "unknown")
    if (key !== undefined) {
      suspects.delete(key)
      suspects.set(key, performance.now() + suspicion)
      if (suspects.size > maxSuspects) suspects.delete(suspects.keys().next().value ?? key)
    }
    readInSlices(socket)
  }

  onRequestStart(server, ({ request, socket }) => {
    const isPipelined = NodeInternals.currentResponse(socket) !== undefined
    if (isPipelined) recordPipelining(socket)
    if (isPipelined || request.rawHeaders.length > fewHeaders || mayHaveLargeBody(request)) suspect(socket)
    else if (performance.now() < allUntil) readInSlices(socket)
  })
  server.on("connection", (socket: Socket) => {
    open.add(socket)
    socket.once("close", () => open.delete(socket))
    const owner = ownerOf(socket.remoteAddress ?? "unknown")
    const until = Math.max(allUntil, owner === undefined ? 0 : (suspects.get(owner) ?? 0))
    if (performance.now() < until) readInSlices(socket)
  })
}

/** Each address is one client, except an address that many clients share. */
export const byAddress =
  (isShared: (address: string) => boolean): Options["ownerOf"] =>
  (address) =>
    isShared(address) ? undefined : clientKey(address)
