/**
 * The HTTP server of a worker: it listens nowhere, and gets its connections from the primary, which does.
 *
 * @module
 */
import { createServer, type Server, type ServerOptions } from "node:http"
import type { Socket } from "node:net"
import type { Address, Link, ToWorker } from "./Protocol.ts"

/**
 * Makes servers that take over what the primary hands them from when they are told to listen until they are told to
 * close. To everyone else they are Node's own: they listen at `address`, and have closed when their last connection has.
 */
export const create =
  (link: Link, address: Address) =>
  (options: ServerOptions): Server => {
    const server = createServer(options)
    const closeNow = server.close.bind(server)
    const sockets = new Set<Socket>()
    let listening = false
    let stop = () => {}

    let ended = 0
    const report = (): void => {
      link.send({ _tag: "Closed", count: ended })
      ended = 0
    }
    const forget = (): void => {
      if (++ended === 1) setImmediate(report)
    }

    const take = (message: ToWorker, socket: Socket | undefined): void => {
      if (message._tag !== "Connection") return
      // Before anything is read from it: until then the primary could still give it to another.
      link.send({ _tag: "Took" })
      if (socket === undefined) {
        forget()
        return
      }
      sockets.add(socket)
      socket.once("close", () => {
        sockets.delete(socket)
        forget()
        if (!listening && sockets.size === 0) closeNow()
      })
      // As `http` has it of the connections that it accepts itself.
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
        const told = args.at(-1)
        if (typeof told === "function") server.once("listening", () => told())
        listening = true
        stop = link.listen(take)
        process.nextTick(() => server.emit("listening"))
        return server
      },
      close: (told?: (error?: Error) => void) => {
        if (told !== undefined) server.once("close", told)
        listening = false
        stop()
        if (sockets.size === 0) closeNow()
        return server
      }
    })
  }
