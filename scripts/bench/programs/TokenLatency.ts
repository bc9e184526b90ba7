/**
 * Measures the latency of tokens in paced chats, in milliseconds. The first token is timed from the request, and each other
 * token from the time stamp that the agent wrote into it.
 *
 * Argument: an `Order` as JSON. Prints one JSON document with the medians, and with the p99 and the number of the other
 * tokens.
 *
 * @module
 */
import { request } from "node:http"
import { quantile } from "../harness/Statistics.ts"

interface Order {
  readonly port: number
  readonly path: string
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
  /** The number of concurrent chats. */
  readonly streams: number
}

const order = JSON.parse(process.argv[2] ?? "{}") as Order
/** The number of the first visitor's IP address. It is random, so that two runs rarely share an address and its limits. */
const firstVisitor = Math.floor(Math.random() * 2 ** 16)
const first: Array<number> = []
const others: Array<number> = []

/** The time between the starts of two chats: chats that start together would delay each other. */
const staggerMillis = 25

const listenToChat = (index: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const startedAt = process.hrtime.bigint()
    let tokens = 0
    let buffered = ""
    const outgoing = request(
      {
        ...{ host: "127.0.0.1", port: order.port, path: order.path, method: "POST", agent: false },
        headers: {
          ...order.headers,
          "content-type": "application/json",
          "x-forwarded-for": `10.9.${((firstVisitor + index) >> 8) & 255}.${(firstVisitor + index) & 255}`
        }
      },
      (response) => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`))
        response.setEncoding("latin1")
        response.on("data", (text: string) => {
          const now = process.hrtime.bigint()
          buffered += text
          let consumed = 0
          for (const match of buffered.matchAll(/~(\d+)~/g)) {
            if (tokens === 0) first.push(Number(now - startedAt) / 1e6)
            else others.push(Number(now - BigInt(match[1]!)) / 1e6)
            tokens++
            consumed = match.index + match[0].length
          }
          buffered = buffered.slice(consumed)
        })
        response.on("end", () => (tokens > 1 ? resolve() : reject(new Error("the chat ended before its tokens"))))
        response.on("error", reject)
      }
    )
    outgoing.once("error", reject)
    outgoing.end(JSON.stringify(order.body))
  })

await Promise.all(
  Array.from({ length: order.streams }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index * staggerMillis))
    await listenToChat(index)
  })
)
console.log(
  JSON.stringify({
    first: quantile(first, 0.5),
    token: quantile(others, 0.5),
    p99: quantile(others, 0.99),
    tokens: others.length
  })
)
