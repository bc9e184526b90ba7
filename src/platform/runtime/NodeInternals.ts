/**
 * Undocumented members of Node. Only this module relies on them. `test/platform/runtime/NodeInternals` fails if a version of Node changes
 * one of them.
 *
 * @module
 */
import * as net from "node:net"
import { getSystemErrorName } from "node:util"
import { Predicate } from "effect"

/** A socket that has an address and does not listen yet. */
export interface BoundSocket {
  readonly address: net.AddressInfo
  /** For `server.listen({ fd })` in a child process that inherits it. */
  readonly fd: number
  readonly close: () => void
}

/**
 * Binds a socket to an IP address and a port; port 0 picks a free one. Throws the system's error. No documented way does this in
 * every supported version: `net.BoundSocket` needs Node 24.19, and a `net.Server` that a process passes to another also accepts
 * connections itself.
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
