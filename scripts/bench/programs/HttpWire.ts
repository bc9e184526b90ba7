/**
 * The part of HTTP that a load generator needs. Pure.
 *
 * @module
 */

/** A POST request with a JSON body. Each `client` number has its own address in `X-Forwarded-For`. */
export const post = (
  path: string,
  body: string,
  client: number,
  headers: Readonly<Record<string, string>> = {}
): string => {
  const address = `10.${(client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return (
    `POST ${path} HTTP/1.1\r\nHost: edge.example\r\nContent-Type: application/json\r\n` +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0\r\n" +
    `X-Forwarded-For: ${address}\r\n${lines.join("")}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

export interface Response {
  readonly status: number
  /** The length of head and body. */
  readonly length: number
}

/** The first complete response in what was received so far, decoded as latin1. Without `Content-Length`, it has no body. */
export const firstResponse = (received: string): Response | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end < 0) return undefined
  const status = Number(received.slice(9, 12))
  const declared = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end))?.[1]
  const length = end + 4 + Number(declared ?? 0)
  return received.length < length ? undefined : { status, length }
}
