import { createServer, type Server } from "node:http"
import { connect } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { onRequestStart } from "../../../src/http/server/RequestStart.ts"
import * as NodeInternals from "../../../src/runtime/NodeInternals.ts"
import { until } from "../../support/Wait.ts"

const get = (path: string, header: string) => `GET ${path} HTTP/1.1\r\nHost: edge\r\n${header}\r\n\r\n`

/** Three pipelined requests. Node answers the second by itself, with 417. */
const requests = get("/first", "Accept: */*") + get("/by-node", "Expect: cake") + get("/last", "Connection: close")

/** Starts the server, sends it the requests, and closes it. */
const serve = (server: Server) =>
  Effect.acquireUseRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.suspend(() => {
        const address = server.address()
        const client = connect(typeof address === "object" && address !== null ? address.port : 0, "127.0.0.1")
        client.resume().write(requests)
        return until("the connection is closed", () => client.closed)
      }),
    () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
  )

describe("http/server/RequestStart", () => {
  it.live(
    "reports the requests of one server while it listens, before Node assigns their responses to the socket",
    () =>
      Effect.gen(function* () {
        const make = () => createServer((_, response) => response.end())
        const [watched, other] = [make(), make()]
        const started: Array<string | undefined> = []
        let assigned = 0
        onRequestStart(watched, ({ request, response, socket }) => {
          started.push(request.url)
          if (NodeInternals.currentResponse(socket) === response) assigned++
        })
        for (const start of ["first", "second"]) {
          yield* serve(other)
          yield* serve(watched)
          assert.deepStrictEqual(started.splice(0), ["/first", "/by-node", "/last"], start)
        }
        assert.strictEqual(assigned, 0)
      })
  )
})
