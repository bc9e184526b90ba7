/** What is refused on every path: requests that violate HTTP, and paths that do not exist. */
import type { Operation } from "../../owner/Document.ts"
import { type Case, type Client, type Group, json, tokenOf, unknownId } from "../Case.ts"

/** The cases of an operation of the document. */
const ofOperation = ({ hasBody, method, path: template }: PublicOperation): ReadonlyArray<Case> => {
  const title = `${method} ${template}`
  const pathOf = ({ edge }: Client) =>
    template
      .replace("{instance_id}", edge.remembering.id)
      .replace("{conversation_id}", unknownId)
      .replace(/\{[^}]+\}/g, "none")
  const headersOf = ({ edge }: Client) => ({
    ...json,
    ...tokenOf(edge.remembering),
    authorization: `Bearer ${edge.remembering.token}`
  })
  const request = (client: Client, more: Readonly<Record<string, string>>) => ({
    method,
    path: pathOf(client),
    headers: { ...headersOf(client), ...more }
  })
  /** A request with a body in chunks, which begins with these bytes. */
  const inChunks = (client: Client, chunk: string) => {
    const headers = { host: "edge.example", ...headersOf(client), "transfer-encoding": "chunked" }
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
    const path = pathOf(client)
    return { method, path, raw: `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n${chunk}` }
  }
  const incomplete = (client: Client) => ({ ...request(client, { "content-length": "10" }), body: "{" })
  const heads: ReadonlyArray<Case> = [
    [`${title}: a large head`, (client) => client.send(request(client, { filler: "a".repeat(16 * 1024) }))],
    [`${title}: an expectation`, (client) => client.send(request(client, { expect: "cake" }))]
  ]
  const bodies: ReadonlyArray<Case> = [
    [`${title}: a chunk without a size`, (client) => client.send(inChunks(client, "zz\r\n"))],
    [
      `${title}: a large extension of a chunk`,
      (client) => client.send(inChunks(client, `1;${"a".repeat(20_000)}\r\n{\r\n`))
    ],
    [`${title}: an incomplete body`, (client) => client.send({ ...incomplete(client), after: "cut" })],
    [`${title}: a body that does not arrive in time`, (client) => client.send({ ...incomplete(client), after: "wait" })]
  ]
  return hasBody ? [...heads, ...bodies] : heads
}

export interface PublicOperation extends Pick<Operation, "method" | "path"> {
  readonly hasBody: boolean
}

const track = "/v1/public/analytics/track"

const others: ReadonlyArray<Case> = [
  [
    "a head that does not arrive in time",
    ({ send }) => send({ path: "", raw: `POST ${track} HTTP/1.1\r\nHost`, after: "wait" })
  ],
  ["bytes that are not HTTP", ({ send }) => send({ path: "", raw: "?\r\n\r\n" })],
  ["HTTP/1.1 without a host", ({ send }) => send({ path: "", raw: "GET /healthz HTTP/1.1\r\n\r\n" })],
  ["HTTP/2", ({ send }) => send({ path: "", raw: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" })],
  [
    "two lengths",
    ({ send }) =>
      send({
        path: "",
        raw: `POST ${track} HTTP/1.1\r\nHost: edge.example\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`
      })
  ],
  [
    "a request for a proxy",
    ({ send }) => send({ path: "", raw: "CONNECT edge:443 HTTP/1.1\r\nHost: edge.example\r\n\r\n" })
  ],
  ...[
    "/v1",
    "/v1/public/none",
    `${track}/`,
    `${track};x=1`,
    track.replace("track", "%74rack"),
    "/v1/public/widget/none"
  ].map((path): Case => [`no endpoint: ${path}`, ({ send }) => send({ path, headers: json, body: "{}" })]),
  ["no page, for a program", ({ send }) => send({ method: "GET", path: "/none" })],
  ["no page, for a browser", ({ send }) => send({ method: "GET", path: "/none", headers: { accept: "text/html" } })],
  ...["/healthz", "/readyz"].flatMap((path) =>
    ["GET", "HEAD", "POST"].map((method): Case => [`${method} ${path}`, ({ send }) => send({ method, path })])
  )
]

export const requests = (operations: ReadonlyArray<PublicOperation>): ReadonlyArray<Group> => [
  { name: "requests", cases: others },
  { name: "every-operation", cases: operations.flatMap(ofOperation) }
]
