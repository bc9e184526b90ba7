/**
 * An agent's server whose responses a test writes byte by byte.
 */

import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect } from "effect"
import * as Instance from "../../src/chat/Instance.ts"
import { InstanceId } from "../../src/platform/Id.ts"

export interface Received {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

export type Respond = (received: Received, response: ServerResponse) => void

export interface Upstream {
  readonly url: string
  readonly instance: Instance.Instance
  readonly received: ReadonlyArray<Received>
  /** The number of open requests: neither ended here nor aborted by the client. */
  readonly open: () => number
  /** The number of open connections. */
  readonly connections: () => number
}

export const instanceAt = (agentUrl: string, rest: Partial<Instance.Instance> = {}): Instance.Instance =>
  Instance.make(InstanceId.make("11111111-1111-4111-8111-111111111111"), { name: "test", agent_url: agentUrl, ...rest })

/** Starts an upstream on a loopback port until the scope closes. */
export const start = (respond: Respond) =>
  Effect.acquireRelease(
    Effect.callback<Upstream & { readonly close: () => void }>((resume) => {
      const received: Array<Received> = []
      let open = 0
      let connections = 0
      const server = createServer((request, response) => {
        open++
        response.on("close", () => open--)
        const parts: Array<Buffer> = []
        request.on("data", (part: Buffer) => parts.push(part))
        request.on("end", () => {
          const one: Received = {
            method: request.method ?? "",
            url: request.url ?? "",
            headers: request.headers,
            body: Buffer.concat(parts).toString("utf8")
          }
          received.push(one)
          respond(one, response)
        })
      })
      server.on("connection", (socket) => {
        connections++
        socket.on("close", () => connections--)
      })
      server.listen(0, "127.0.0.1", () => {
        const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
        resume(
          Effect.succeed({
            url,
            instance: instanceAt(url),
            received,
            open: () => open,
            connections: () => connections,
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          })
        )
      })
    }),
    (upstream) => Effect.sync(upstream.close)
  )

export const sse = { "content-type": "text/event-stream; charset=utf-8" }

/** A frame of OpenAI's protocol with a text. */
export const says = (content: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })}\n\n`

/** The frame of OpenAI's protocol that ends an answer. */
export const finishes = (reason: string): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: reason }] })}\n\n`

/** Writes `piece` with backpressure until the connection closes. The returned function counts the pieces written so far. */
export const endlessly = (response: ServerResponse, piece: string): (() => number) => {
  let written = 0
  const more = () => {
    while (!response.destroyed) {
      written++
      if (!response.write(piece)) return void response.once("drain", more)
    }
  }
  more()
  return () => written
}
