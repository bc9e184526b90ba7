/**
 * Servers between a browser and the edge: a website with its own origin, and a relay to the edge that loses, delays and
 * refuses requests as a test demands. Faults occur on the socket, so that the browser sees them even while it
 * leaves a page.
 *
 * @module
 */
import { createServer, type IncomingHttpHeaders, type IncomingMessage, request, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"

export interface Received {
  readonly method: string
  /** The path with its query. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What happens to a request instead of a normal response. */
export type Fault =
  /** The connection is cut before the response. */
  | { readonly _tag: "Cut" }
  /** The request is forwarded and executed; the connection is cut before the response. */
  | { readonly _tag: "LoseAnswer" }
  | {
      readonly _tag: "Answer"
      readonly status: number
      readonly headers?: Record<string, string>
      readonly body?: string
    }
  /** The request is delayed until the promise settles. */
  | { readonly _tag: "Hold"; readonly until: Promise<void> }

export interface Document {
  readonly body: string
  readonly headers?: Record<string, string>
}

export interface Options {
  /** The host name in the browser, such as `shop.test`. */
  readonly host: string
  /** The responses by path; a string is an HTML page. Read on every request, so a test may add to it. */
  readonly pages?: Record<string, string | Document>
  /** Forwarding by path prefix, which is removed: `{"/stats": edge}`. `""` forwards everything. */
  readonly forward?: Record<string, string>
}

export interface Server {
  /** `http://<host>:<port>`, for the browser. */
  readonly url: string
  /** Every received request, oldest first. */
  readonly received: Array<Received>
  /** The requests to a path, ignoring the query; POST by default. */
  readonly of: (path: string, method?: string) => ReadonlyArray<Received>
  /** Called for every request; returns its fault, if any. */
  fault: (received: Received) => Fault | undefined
}

const readBody = async (incoming: IncomingMessage): Promise<string> => {
  const parts: Array<Buffer> = []
  for await (const part of incoming) parts.push(part as Buffer)
  return Buffer.concat(parts).toString("utf8")
}

const forward = (target: string, received: Received, response: ServerResponse, losesAnswer: boolean): void => {
  const outgoing = request(target, { method: received.method, headers: received.headers }, (answer) => {
    if (losesAnswer) {
      answer.resume()
      answer.on("end", () => response.destroy())
      return
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    response.flushHeaders()
    answer.pipe(response)
    answer.on("error", () => response.destroy())
  })
  outgoing.on("error", () => response.destroy())
  response.on("close", () => outgoing.destroy())
  outgoing.end(received.body)
}

const cors = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" }

/** Starts a server on a free port until the scope closes. */
export const listen = (options: Options): Effect.Effect<Server, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.callback<Server & { readonly close: (done: () => void) => void }>((resume) => {
      const handle = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
        const body = await readBody(incoming)
        const received: Received = {
          method: incoming.method ?? "",
          path: incoming.url ?? "",
          headers: incoming.headers,
          body
        }
        server.received.push(received)
        const fault = server.fault(received)
        if (fault?._tag === "Cut") return void response.destroy()
        if (fault?._tag === "Answer") {
          response.writeHead(fault.status, { ...cors, ...fault.headers }).end(fault.body)
          return
        }
        if (fault?._tag === "Hold") await fault.until
        const [path = ""] = received.path.split("?", 1)
        const page = options.pages?.[path]
        if (page !== undefined) {
          const { body, headers } = typeof page === "string" ? { body: page, headers: {} } : page
          response.writeHead(200, { "content-type": "text/html; charset=utf-8", ...headers }).end(body)
          return
        }
        const route = Object.entries(options.forward ?? {}).find(([prefix]) => received.path.startsWith(`${prefix}/`))
        if (route === undefined) return void response.writeHead(404).end()
        forward(route[1] + received.path.slice(route[0].length), received, response, fault?._tag === "LoseAnswer")
      }
      const http = createServer((incoming, response) => {
        handle(incoming, response).catch(() => response.destroy())
      })
      const server: Server & { readonly close: (done: () => void) => void } = {
        url: "",
        received: [],
        of: (path, method = "POST") =>
          server.received.filter((one) => one.method === method && one.path.split("?", 1)[0] === path),
        fault: () => undefined,
        close: (done) => {
          http.close(done)
          http.closeAllConnections()
        }
      }
      http.listen(0, "127.0.0.1", () => {
        const { port } = http.address() as AddressInfo
        resume(Effect.succeed(Object.assign(server, { url: `http://${options.host}:${port}` })))
      })
    }),
    (server) => Effect.callback<void>((resume) => server.close(() => resume(Effect.void)))
  )
