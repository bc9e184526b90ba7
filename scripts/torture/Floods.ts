/**
 * The bytes that a flooding client sends, by kind of flood. Pure.
 *
 * @module
 */
import { browser, type Target } from "./Load.ts"

export interface Flood {
  /** Sent first on each connection. */
  readonly first: string
  /** Sent after `first`, repeatedly. */
  readonly next: string
  /** How many times `next` is sent before the client closes the connection. Default: until the server closes it. */
  readonly times?: number
  /** Milliseconds between writes. Default: as fast as the server reads. */
  readonly pace?: number
  /** Whether the client does not read the responses. */
  readonly unread?: boolean
  /** The number of concurrent connections. Default: 30. */
  readonly sockets?: number
}

const head = (start: string, ...lines: ReadonlyArray<string>): string =>
  [start, "Host: edge", `User-Agent: ${browser}`, ...lines, "", ""].join("\r\n")

const track = "POST /v1/public/analytics/track HTTP/1.1"
const submit = "POST /v1/public/forms/submit HTTP/1.1"
const json = "Content-Type: application/json"
const chunked = "Transfer-Encoding: chunked"

const request = (start: string, body: string, type = json): string =>
  head(start, type, `Content-Length: ${Buffer.byteLength(body)}`) + body

/** About the size of the largest accepted body. */
const largest = 260_000

/** All floods, by name. */
export const floods = (target: Target): Readonly<Record<string, Flood>> => {
  const chat = `POST /v1/public/widget/${target.instanceId}/chat HTTP/1.1`
  const view = JSON.stringify({ site_id: target.trackingToken, page_path: "/flood" })
  const form = (data: string) => `{"site_id":"${target.websiteConfigId}","form_data":${data}}`
  const repeated = (text: string): Flood => ({ first: "", next: text })
  return {
    "no flood": { first: "", next: "", sockets: 0 },
    "tiny chunks": { first: head(track, json, chunked), next: "1\r\na\r\n".repeat(10_000) },
    "tiny chunks, unknown path": { first: head("POST /nothing HTTP/1.1", chunked), next: "1\r\na\r\n".repeat(10_000) },
    "tiny chunks, too large a body": {
      first: `${head(submit, json, chunked)}48000\r\n${" ".repeat(0x48000)}\r\n`,
      next: "1\r\na\r\n".repeat(10_000)
    },
    "250 chunks a request": repeated(`${head(track, json, chunked)}${"1\r\na\r\n".repeat(250)}0\r\n\r\n`.repeat(40)),
    "chunk extensions": { first: head(track, json, chunked), next: "1;a=b\r\na\r\n".repeat(1_000) },
    "tiny pieces": { first: head(track, json, `Content-Length: ${largest}`), next: "a", pace: 0 },
    "slow heads": { first: `${track}\r\nHost: edge\r\nX-A: `, next: "a", pace: 20, sockets: 300 },
    "slow bodies": {
      first: head(submit, json, `Content-Length: ${largest}`) + " ".repeat(250_000),
      next: " ",
      pace: 50,
      sockets: 33
    },
    "many headers": repeated(head(track, ...Array.from({ length: 2_000 }, (_, index) => `${index}:`)).repeat(8)),
    "a connection for each request": { first: request(track, view), next: "", times: 1, sockets: 60 },
    "connections that open and close": { first: "", next: "", times: 0, sockets: 60 },
    "page views, pipelined": repeated(request(track, view).repeat(200)),
    "page views, pipelined and unread": { ...repeated(request(track, view).repeat(200)), unread: true },
    "multipart parts": repeated(
      request(
        submit,
        '--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n'.repeat(4_500),
        "Content-Type: multipart/form-data; boundary=x"
      )
    ),
    "form fields": repeated(request(submit, "a&".repeat(130_000), "Content-Type: application/x-www-form-urlencoded")),
    "deep JSON": repeated(request(submit, form("[".repeat(largest)))),
    "JSON of many members": repeated(
      request(submit, form(`{${Array.from({ length: 20_000 }, (_, index) => `"${index}":1`).join(",")}}`))
    ),
    chats: repeated(
      head(chat, json, `X-Widget-Token: ${target.widgetToken}`, "Content-Length: 16").concat('{"message":"hi"}')
    ),
    "blank lines": repeated("\r\n".repeat(30_000)),
    preflights: repeated(head("OPTIONS /v1/public/forms/submit HTTP/1.1", "Origin: http://a.example").repeat(200)),
    "unknown paths": repeated(head("GET /nothing HTTP/1.1").repeat(300)),
    "a page that is not read": { ...repeated(head("GET /docs HTTP/1.1").repeat(100)), unread: true },
    "not HTTP": repeated("a\r\n\r\n")
  }
}
