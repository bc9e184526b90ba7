/**
 * The HTTP server of a worker. It does not listen itself: the primary sends it connections.
 *
 * @module
 */
import { createServer, type Server, type ServerOptions } from "node:http"
import type { Socket } from "node:net"
import { type Address, type Link, type Listener, ofListener, type ToWorker } from "./Protocol.ts"

/**
 * Makes servers that accept the primary's connections between `listen` and `close`. Otherwise they behave like Node's servers:
 * they report `address`, and emit `close` after their last connection closed.
 */
export const create =
  (channel: Link, address: Address, listener?: Listener) =>
  (options: ServerOptions): Server => {
    const link = ofListener(channel, listener)
    const server = createServer(options)
    const closeNow = server.close.bind(server)
    const sockets = new Set<Socket>()
    let listening = false
    let stop = () => {}

    let endedCount = 0
    const report = (): void => {
      link.send({ _tag: "Closed", count: endedCount })
      endedCount = 0
    }
    const countEnded = (): void => {
      if (++endedCount === 1) setImmediate(report)
    }

    const accept = (message: ToWorker, socket: Socket | undefined): void => {
      if (message._tag !== "Connection") return
      // Sent before reading, because the primary may send the connection to another worker until it gets this message.
      link.send({ _tag: "Took" })
      if (socket === undefined) {
        countEnded()
        return
      }
      sockets.add(socket)
      socket.once("close", () => {
        sockets.delete(socket)
        countEnded()
        if (!listening && sockets.size === 0) closeNow()
      })
      // Node's server sets the same options on the connections that it accepts itself.
      socket.allowHalfOpen = true
      socket.setNoDelay(true)
      server.emit("connection", socket)
    }

    Object.defineProperty(server, "listening", { get: () => listening })
    return Object.assign(server, {
      address: () => ({
        address: address.host,
        port: address.port,
        family: address.host.includes(":") ? "IPv6" : "IPv4"
      }),
      listen: (...args: ReadonlyArray<unknown>) => {
        const callback = args.at(-1)
        if (typeof callback === "function") server.once("listening", () => callback())
        listening = true
        stop = link.listen(accept)
        process.nextTick(() => server.emit("listening"))
        return server
      },
      close: (callback?: (error?: Error) => void) => {
        if (callback !== undefined) server.once("close", callback)
        listening = false
        stop()
        if (sockets.size === 0) closeNow()
        return server
      }
    })
  }
