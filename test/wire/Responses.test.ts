/**
 * The record of the responses of test servers, and the comparison that finds responses the document does not declare.
 */
import { readFile } from "node:fs/promises"
import { createServer, type Server } from "node:net"
import path from "node:path"
import { assert, describe, inject, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Documented from "../support/responses/Documented.ts"
import type { Recorded } from "../support/responses/Recorder.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

/** The responses that this process has recorded. */
const recorded = Effect.promise(async (): Promise<ReadonlyArray<Recorded>> => {
  const text = await readFile(path.join(inject("responses"), `${process.pid}.jsonl`), "utf8")
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line))
})

/** A server that accepts a connection, sends this text and closes the connection. */
const serverThatSends = (text: string) =>
  Effect.acquireRelease(
    Effect.callback<Server>((resume) => {
      const server = createServer((socket) => void setImmediate(() => socket.on("error", () => {}).end(text)))
      server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
    }),
    (server) => Effect.sync(() => server.close())
  )

describe("wire/Responses: the record", () => {
  it.live("has the head of each response, and the method and path of its request", () =>
    Effect.gen(function* () {
      const { send, trackingToken } = yield* TestServer
      yield* send(`${paths.track}?once`, { site_id: trackingToken, page_path: "/" })
      const [tracked] = (yield* recorded).filter(({ test }) => test.endsWith("path of its request"))
      assert.deepInclude(tracked, { method: "POST", path: paths.track, status: 204, contentType: null })
      assert.includeMembers([...(tracked?.headers ?? [])], ["access-control-allow-origin", "x-hydracore-decision"])
      yield* send(paths.submit, {})
      const [, refused] = (yield* recorded).filter(({ test }) => test.endsWith("path of its request"))
      assert.deepInclude(refused, { path: paths.submit, status: 422, contentType: "application/json" })
    }).pipe(Effect.provide(testServer()))
  )

  it.live("has the service's responses that belong to no request", () =>
    Effect.gen(function* () {
      const server = yield* serverThatSends(
        "HTTP/1.1 408 Request Timeout\r\nAccess-Control-Expose-Headers: X-HydraCore-Decision\r\n\r\n"
      )
      const { port } = server.address() as { readonly port: number }
      yield* Effect.promise(() => fetch(`http://127.0.0.1:${port}`))
      const [timedOut] = (yield* recorded).filter(({ test }) => test.endsWith("belong to no request"))
      assert.deepInclude(timedOut, {
        method: null,
        path: null,
        status: 408,
        headers: ["access-control-expose-headers"]
      })
    }).pipe(Effect.scoped)
  )
})

const response = (changes: Partial<Recorded>): Recorded => ({
  method: "POST",
  path: "/widget/1/chat",
  status: 200,
  contentType: "application/json; charset=utf-8",
  headers: ["content-type", "date", "x-known"],
  test: "",
  ...changes
})

const operations = Documented.operationsOf({
  paths: {
    "/widget/{id}/chat": {
      post: {
        responses: {
          "200": { headers: { "X-Known": {} }, content: { "application/json": {} } },
          "405": { headers: {} }
        }
      }
    },
    "/other": { post: { responses: { "405": {}, "408": {} } } }
  }
})

const faults = (changes: Partial<Recorded>) => Documented.undocumented(operations, response(changes))

describe("wire/Responses: the comparison", () => {
  it("finds no fault in responses that are declared, or that belong to no operation", () => {
    assert.deepStrictEqual(faults({}), [])
    assert.deepStrictEqual(faults({ method: "GET", status: 405, headers: [], contentType: null }), [])
    assert.deepStrictEqual(faults({ path: "/widget/1/2/chat", status: 500 }), [])
    assert.deepStrictEqual(faults({ method: "OPTIONS", status: 204, headers: ["x-any"] }), [])
  })

  it("finds a status, a header and a media type that are not declared, and a wrong status of a preflight", () => {
    assert.deepStrictEqual(faults({ status: 500 }), ["POST /widget/{id}/chat declares no 500"])
    assert.deepStrictEqual(faults({ headers: ["x-new"] }), ["POST /widget/{id}/chat 200 declares no header x-new"])
    assert.deepStrictEqual(faults({ contentType: "text/html" }), ["POST /widget/{id}/chat 200 declares no text/html"])
    assert.deepStrictEqual(faults({ method: "OPTIONS" }), ["A preflight of /widget/1/chat is answered with 200"])
  })

  it("looks for a response without a request in every operation", () => {
    const bare = { method: null, path: null, headers: [], contentType: null }
    assert.deepStrictEqual(faults({ ...bare, status: 405 }), [])
    assert.deepStrictEqual(faults({ ...bare, status: 408 }), ["POST /widget/{id}/chat declares no 408"])
  })
})
