/**
 * Records the head of every response that a server in this test process sends. `globalSetup.ts` compares the records with the
 * published document.
 *
 * Heads are read from the sockets, to include responses without a request.
 *
 * @module
 */
import * as diagnostics from "node:diagnostics_channel"
import { appendFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import path from "node:path"
import { expect, inject } from "vitest"

declare module "vitest" {
  interface ProvidedContext {
    /** The folder in which this run records responses. */
    responses: string
  }
}

/** A recorded response: its request, its head, and the first test of its file in which it was seen. */
export interface Recorded {
  /** The method and the path, without a query; null if no request was read. */
  readonly method: string | null
  readonly path: string | null
  readonly status: number
  readonly contentType: string | null
  /** Names in lower case, in order. */
  readonly headers: ReadonlyArray<string>
  readonly test: string
}

const publicPrefix = "/v1/public/"
const ownerPrefix = "/v1/owner/"

/**
 * Whether a response comes from our API, and not from another server of a test. Every response of the public API exposes the
 * decision header. Every response of the owner API forbids storing, unless the API does not have the request's method.
 */
const isOurs = (url: string | null, fields: ReadonlyMap<string, string>): boolean =>
  (url?.startsWith(ownerPrefix) === true && fields.get("cache-control") === "no-store") ||
  ((url === null || url.startsWith(publicPrefix)) &&
    fields.get("access-control-expose-headers")?.includes("X-HydraCore-Decision") === true)

const folder = inject("responses")
const file = path.join(folder, `${process.pid}.jsonl`)
const known = new Set<string>()

/** Forgets what was recorded, so that the next test file records its own responses. */
export const forget = (): void => known.clear()

/** The status and headers (lower-case names) of the response at the start of a text. */
const parseHead = (text: string) => {
  const end = text.indexOf("\r\n\r\n")
  const [first = "", ...lines] = text.slice(0, end === -1 ? text.length : end).split("\r\n")
  const fields = lines.map((line) => {
    const colon = line.indexOf(":")
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  return { status: Number(first.split(" ")[1]), fields: new Map(fields) }
}

const record = (text: string, response: ServerResponse | null | undefined): void => {
  const { fields, status } = parseHead(text)
  const request = response?.req
  const url = request?.url?.split("?", 1)[0] ?? null
  if (!isOurs(url, fields)) return
  const parts = {
    method: request?.method ?? null,
    path: url,
    status,
    contentType: fields.get("content-type") ?? null,
    headers: [...fields.keys()].sort()
  }
  const key = JSON.stringify(parts)
  if (known.has(key)) return
  known.add(key)
  const recorded: Recorded = { ...parts, test: expect.getState().currentTestName ?? "" }
  appendFileSync(file, `${JSON.stringify(recorded)}\n`)
}

/** A Node property that its types omit: a connection's current response. */
interface Responding extends Socket {
  readonly _httpMessage?: ServerResponse | null
}

const statusLineStart = "HTTP/1.1 "

const watch = (socket: Responding): void => {
  for (const method of ["write", "end"] as const) {
    const original = socket[method] as (...rest: ReadonlyArray<unknown>) => unknown
    socket[method] = ((...rest: ReadonlyArray<unknown>) => {
      const [chunk] = rest
      const text = typeof chunk === "string" ? chunk : chunk instanceof Uint8Array ? latin1(chunk) : ""
      if (text.startsWith(statusLineStart)) record(text, socket._httpMessage)
      return original.apply(socket, [...rest])
    }) as never
  }
}

const latin1 = ({ buffer, byteLength, byteOffset }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, Math.min(byteLength, 8_192)).toString("latin1")

diagnostics.subscribe("net.server.socket", (message) => watch((message as { readonly socket: Responding }).socket))
