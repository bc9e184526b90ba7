/**
 * Encodes generated requests as HTTP/1.1.
 *
 * @module
 */
import type { Request } from "./Requests.ts"

/** The bytes of a request on the wire, with `Connection: close`. */
export const encode = (request: Request): Buffer => {
  const { body, framing, headers, path } = request
  const lines = [
    `POST ${path} HTTP/1.1`,
    "Host: edge",
    "Connection: close",
    ...(headers.some(([name]) => name === "User-Agent") ? [] : ["User-Agent: Mozilla/5.0 Firefox/143.0"]),
    ...headers.map(([name, value]) => `${name}: ${value}`)
  ]
  const head = (lastHeader: string) => Buffer.from(`${[...lines, lastHeader].join("\r\n")}\r\n\r\n`, "latin1")
  if (framing === "chunks") {
    const middle = body.length >> 1
    const chunk = (bytes: Buffer) =>
      bytes.length === 0
        ? Buffer.alloc(0)
        : Buffer.concat([Buffer.from(`${bytes.length.toString(16)};name="a value"\r\n`), bytes, Buffer.from("\r\n")])
    return Buffer.concat([
      head("Transfer-Encoding: chunked"),
      chunk(body.subarray(0, middle)),
      chunk(body.subarray(middle)),
      Buffer.from("0\r\nX-Trailer: yes\r\n\r\n")
    ])
  }
  const length = framing === "too short" ? body.length >> 1 : framing === "too long" ? body.length + 10 : body.length
  return Buffer.concat([head(`Content-Length: ${length}`), body])
}
