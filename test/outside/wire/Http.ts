/**
 * Requests as bytes, so that a test can send what no HTTP client sends, and responses as they were received.
 *
 * @module
 */
import { connect } from "node:net"

export interface Request {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | Uint8Array
  /** Bytes in place of the whole request. */
  readonly raw?: string
  /** What follows the bytes: `cut` closes the sending side, and `wait` sends nothing. */
  readonly after?: "cut" | "wait"
}

export interface Response {
  readonly status: number
  /** Names in lower case, in alphabetical order. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>
  readonly body: string
}

const bytesOf = ({ body, headers = {}, method = "POST", path, raw }: Request): Uint8Array => {
  if (raw !== undefined) return Buffer.from(raw)
  const content = body === undefined ? undefined : Buffer.from(body)
  const names = Object.keys(headers).map((name) => name.toLowerCase())
  const length = content === undefined || names.includes("content-length") ? [] : [`content-length: ${content.length}`]
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const head = [`${method} ${path} HTTP/1.1`, "host: edge.example", "connection: close", ...length, ...lines]
  return Buffer.concat([Buffer.from(`${head.join("\r\n")}\r\n\r\n`), ...(content === undefined ? [] : [content])])
}

/** The content of a body in chunks. */
const unchunked = (body: Buffer): Buffer => {
  const parts: Array<Buffer> = []
  for (let at = 0; ; ) {
    const end = body.indexOf("\r\n", at)
    const size = Number.parseInt(body.toString("latin1", at, end), 16)
    if (end === -1 || !(size > 0)) return Buffer.concat(parts)
    parts.push(body.subarray(end + 2, end + 2 + size))
    at = end + 2 + size + 2
  }
}

const parse = (received: Buffer): Response => {
  const end = received.indexOf("\r\n\r\n")
  if (end === -1) throw new Error(`This is no response: ${JSON.stringify(received.toString("utf8"))}`)
  const [first = "", ...lines] = received.toString("latin1", 0, end).split("\r\n")
  const headers = lines.map((line) => {
    const colon = line.indexOf(":")
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
  })
  const rest = received.subarray(end + 4)
  const isChunked = headers.some(([name, value]) => name === "transfer-encoding" && value === "chunked")
  return {
    status: Number(first.split(" ")[1]),
    headers: headers.toSorted(([one], [other]) => (one < other ? -1 : 1)),
    body: (isChunked ? unchunked(rest) : rest).toString("utf8")
  }
}

/** Whether all bytes of a response without chunks have arrived. */
const isWhole = (received: Buffer): boolean => {
  const end = received.indexOf("\r\n\r\n")
  const length = /^content-length: (\d+)$/im.exec(received.toString("latin1", 0, Math.max(end, 0)))?.[1]
  return end !== -1 && length !== undefined && received.length >= end + 4 + Number(length)
}

/**
 * Sends a request on a new connection. Completes when the response is whole, when the service closes the connection, or when
 * `until` holds for what has arrived.
 */
export const exchange = (url: string, request: Request, until?: (received: string) => boolean): Promise<Response> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    let received: Buffer = Buffer.alloc(0)
    const finish = () => {
      socket.destroy()
      try {
        resolve(parse(received))
      } catch (error) {
        reject(error)
      }
    }
    socket.setTimeout(60_000, () => reject(new Error(`No answer to ${request.method ?? "POST"} ${request.path}`)))
    socket.on("connect", () => {
      socket.write(bytesOf(request))
      if (request.after === "cut") socket.end()
    })
    socket.on("data", (part) => {
      received = Buffer.concat([received, part])
      if (until?.(received.toString("utf8")) === true || isWhole(received)) finish()
    })
    socket.on("end", finish)
    // The service may close the connection before it has read all of a refused request.
    socket.on("error", (error) => (received.length > 0 ? finish() : reject(error)))
  })

export const headerOf = ({ headers }: Response, wanted: string): string | undefined =>
  headers.find(([name]) => name === wanted)?.[1]
