/**
 * Requests that return the response bytes as received, without decompression.
 *
 * @module
 */
import { type IncomingHttpHeaders, request } from "node:http"
import { brotliDecompressSync, gunzipSync } from "node:zlib"
import { Effect } from "effect"
import { TestServer } from "./TestServer.ts"

export interface Raw {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly bytes: Buffer
}

/** Sends a request to the test's server. */
export const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  Effect.flatMap(TestServer, ({ url }) =>
    Effect.callback<Raw>((resume) => {
      const outgoing = request(url + path, { method, headers, agent: false }, async (answer) => {
        const parts: Array<Buffer> = []
        for await (const part of answer) parts.push(part as Buffer)
        resume(Effect.succeed({ status: answer.statusCode ?? 0, headers: answer.headers, bytes: Buffer.concat(parts) }))
      })
      outgoing.on("error", (error) => resume(Effect.die(error)))
      outgoing.end()
    })
  )

export const decoders = { br: brotliDecompressSync, gzip: gunzipSync, identity: (bytes: Buffer) => bytes }
