/**
 * As much of HTTP as a load generator needs. Pure.
 *
 * @module
 */

/** Writes a POST of JSON that seems to come from an address of its own. */
export const post = (
  path: string,
  body: string,
  client: number,
  headers: Readonly<Record<string, string>> = {}
): string => {
  const address = `10.${(client >> 16) & 255}.${(client >> 8) & 255}.${client & 255}`
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return (
    `POST ${path} HTTP/1.1\r\nHost: edge.example\r\nContent-Type: application/json\r\n` +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0\r\n" +
    `X-Forwarded-For: ${address}\r\n${more.join("")}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

/** An answer that has arrived whole: its status, and how many characters it took. */
export interface Answer {
  readonly status: number
  readonly length: number
}

/** The first answer in what was received (latin1), or undefined if it is not whole yet. It must tell its length. */
export const firstAnswer = (received: string): Answer | undefined => {
  const end = received.indexOf("\r\n\r\n")
  if (end < 0) return undefined
  const status = Number(received.slice(9, 12))
  const declared = /\r\ncontent-length: *(\d+)/i.exec(received.slice(0, end))?.[1]
  const length = end + 4 + Number(declared ?? 0)
  return received.length < length ? undefined : { status, length }
}
