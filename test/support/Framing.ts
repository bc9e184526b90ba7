/** Sends a body with a length or in chunks, and reduces responses to the parts in which both must agree. */
import { request as send } from "node:http"
import { Effect } from "effect"

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
}

/** A body has a `Content-Length`, or comes in chunks, which the fast path leaves to the router. */
export type Framing = "length" | "chunked"

/** Sends `body`, and fails if the connection breaks. */
export const tryPost = (
  url: string,
  framing: Framing,
  body: string | Buffer,
  headers: Readonly<Record<string, string>>
) =>
  Effect.tryPromise(
    () =>
      new Promise<Answer>((resolve, reject) => {
        const bytes = Buffer.from(body)
        const length =
          framing === "length" ? { "content-length": String(bytes.length) } : { "transfer-encoding": "chunked" }
        const sent = send(url, { method: "POST", agent: false, headers: { ...headers, ...length } }, (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString("utf8")
            })
          )
        })
        sent.on("error", reject)
        sent.end(bytes)
      })
  )

export const post = (...request: Parameters<typeof tryPost>) => Effect.orDie(tryPost(...request))

export const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** A response without the parts that differ between requests: the time and the generated ids. */
export const stableParts = ({ headers, status, text }: Answer, known: ReadonlyArray<string>) => {
  const { date: _, "content-length": length, ...rest } = headers
  const mask = (value: string) => value.replace(uuid, (id) => (known.includes(id) ? id : "<id>"))
  return { status, length, headers: JSON.parse(mask(JSON.stringify(rest))) as Answer["headers"], text: mask(text) }
}

/**
 * The stable parts of a response to a repeated request. The decision on a stored record depends on earlier records with the same
 * key or content, so it is replaced by `<stored>`.
 */
export const stableRepeatedParts = (answer: Answer, known: ReadonlyArray<string>) => {
  const { headers, ...rest } = stableParts(answer, known)
  const decision = headers["x-hydracore-decision"]
  const isStored = typeof decision === "string" && ["counted", "quarantined", "repeated"].includes(decision)
  return { ...rest, headers: isStored ? { ...headers, "x-hydracore-decision": "<stored>" } : headers }
}
