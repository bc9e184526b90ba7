/**
 * Reports the requests of a server, by a diagnostics channel that all servers of the process share.
 *
 * @module
 */
import * as diagnostics from "node:diagnostics_channel"
import type { IncomingMessage, Server, ServerResponse } from "node:http"
import type { Socket } from "node:net"

export interface RequestStart {
  readonly server: Server
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly socket: Socket
}

const channel = "http.server.request.start"

/**
 * Calls `act` for each parsed head of a request, before its response is assigned to the socket. Unlike the event `request`, it
 * includes the requests that Node answers by itself. The server must not listen yet.
 */
export const onRequestStart = (server: Server, act: (start: RequestStart) => void): void => {
  const onMessage = (message: unknown) => {
    const start = message as RequestStart
    if (start.server === server) act(start)
  }
  server.on("listening", () => diagnostics.subscribe(channel, onMessage))
  server.on("close", () => diagnostics.unsubscribe(channel, onMessage))
}
