/**
 * Undocumented fields, methods and calls of Node's servers, sockets, parsers and streams. Only this module relies on them.
 * `test/runtime/NodeInternals` fails if a version of Node changes one of them.
 *
 * @module
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import * as net from "node:net"
import type { Duplex } from "node:stream"
import { getSystemErrorName } from "node:util"
import { Predicate } from "effect"

interface Internals {
  readonly _handle?: { readonly bytesWritten?: number; readonly writeQueueSize?: number } | null
  readonly _httpMessage?: ServerResponse | null
  readonly parser?: {
    readonly incoming: IncomingMessage | null
    onIncoming: (request: { upgrade: boolean }) => number
  } | null
}

const of = (socket: Duplex): Internals => socket as Duplex & Internals

/** The response that a server's connection is sending; `undefined` if no response is pending. */
export const currentResponse = (socket: Duplex): ServerResponse | undefined => of(socket)._httpMessage ?? undefined

/** The request that a connection's parser is reading; `undefined` between two requests. */
export const currentRequest = (socket: Duplex): IncomingMessage | undefined => of(socket).parser?.incoming ?? undefined

/** Whether a connection has a parser. Node attaches it after the connection opens and detaches it on close. */
export const hasParser = (socket: Duplex): boolean => Boolean(of(socket).parser)

/** How many bytes the system has accepted from a connection. Those that it has not accepted yet are queued. */
export const acceptedBytes = (socket: Duplex): number => {
  const { bytesWritten = 0, writeQueueSize = 0 } = of(socket)._handle ?? {}
  return bytesWritten - writeQueueSize
}

/**
 * Destroys a connection while Node parses its requests. After `destroy` alone, Node would parse the rest of its buffer, which
 * may hold another thousand requests. The return value 2 means that no HTTP follows, so the parser stops.
 */
export const destroyWhileParsing = (socket: Socket): void => {
  socket.destroy()
  const { parser } = of(socket)
  if (!parser) return
  parser.onIncoming = (request) => {
    request.upgrade = false
    return 2
  }
}

/** The functions by which the parser of a connection takes data and the end of the data. */
export interface ParserListeners {
  readonly onData: (data: Buffer) => void
  readonly onEnd: () => void
}

/** The listeners of a connection's parser: the last ones of `data` and `end` when the server emits `connection`. */
export const parserListeners = (socket: Socket): ParserListeners => ({
  onData: socket.listeners("data").at(-1) as ParserListeners["onData"],
  onEnd: socket.listeners("end").at(-1) as ParserListeners["onEnd"]
})

/**
 * Replaces a connection's `pause` and `resume`. Node pauses a connection while the body of a request is not consumed, and
 * while the client does not read its responses.
 */
export const replaceFlowControl = (socket: Socket, pause: () => void, resume: () => void): void => {
  socket.pause = () => {
    pause()
    return socket
  }
  socket.resume = () => {
    resume()
    return socket
  }
}

/** Sets whether the connection stays open after a response whose head is not sent yet. Returns what was set before. */
export const setKeepAlive = (response: ServerResponse, keepAlive: boolean): boolean => {
  const before = response.shouldKeepAlive
  response.shouldKeepAlive = keepAlive
  return before
}

/** Leaves idle connections open when the server stops listening: Node's `close` calls the method that is replaced here. */
export const keepIdleOnClose = (server: Server): void => {
  server.closeIdleConnections = () => {}
}

/** A socket that has an address and does not listen yet. */
export interface BoundSocket {
  readonly address: net.AddressInfo
  /** For `server.listen({ fd })` in a child process that inherits it. */
  readonly fd: number
  readonly close: () => void
}

/**
 * Binds a socket to an IP address and a port; port 0 picks a free one. Throws the system's error. The documented
 * `net.BoundSocket` needs Node 24.19.
 */
export const bind = (address: string, family: number, port: number): BoundSocket => {
  const handle = Reflect.get(net, "_createServerHandle")(address, port, family)
  const bound: Record<string, unknown> = {}
  // libuv reports that the address is in use only here.
  const code: number = typeof handle === "number" ? handle : handle.getsockname(bound)
  if (code !== 0) {
    if (typeof handle !== "number") handle.close()
    throw Object.assign(new Error(`bind ${address}:${port}`), { code: getSystemErrorName(code) })
  }
  return { address: bound as unknown as net.AddressInfo, fd: handle.fd, close: () => handle.close() }
}

/** The function that sets a pipe to blocking or non-blocking; `undefined` for a stream that is not a pipe. */
export const setBlockingOf = (stream: object): ((isBlocking: boolean) => void) | undefined => {
  const handle: unknown = Reflect.get(stream, "_handle")
  if (!Predicate.hasProperty(handle, "setBlocking") || !Predicate.isFunction(handle.setBlocking)) return undefined
  const setBlocking = handle.setBlocking.bind(handle)
  return (isBlocking) => void setBlocking(isBlocking)
}

/**
 * Makes a stream write each buffered chunk, which is a line, by itself. A pipe write of up to 4,096 bytes (PIPE_BUF) is atomic.
 * A larger one, of several lines at once, may be partial, and a line of another worker could follow the cut.
 */
export const writeEachChunk = (stream: object): void => {
  Reflect.set(stream, "_writev", null)
}
