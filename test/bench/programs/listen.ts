/**
 * Listens to paced chats and tells how late their tokens come: to the first one from the request, to each from the moment
 * in which the agent said it, in milliseconds.
 *
 * Arguments: one JSON text, `Order`. It prints one JSON document with the medians.
 *
 * @module
 */
import { request } from "node:http"
import { quantile } from "../harness/Numbers.ts"

interface Order {
  readonly port: number
  readonly path: string
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
  /** How many chats at once. */
  readonly streams: number
}

const order = JSON.parse(process.argv[2] ?? "{}") as Order
const client = Math.floor(Math.random() * 2 ** 16)
const first: Array<number> = []
const each: Array<number> = []

/** How many chats begin at once would queue behind each other: they begin one by one. */
const apartMillis = 25

const listen = (index: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const began = process.hrtime.bigint()
    let heard = 0
    let rest = ""
    const asked = request(
      {
        ...{ host: "127.0.0.1", port: order.port, path: order.path, method: "POST", agent: false },
        headers: {
          ...order.headers,
          "content-type": "application/json",
          "x-forwarded-for": `10.9.${((client + index) >> 8) & 255}.${(client + index) & 255}`
        }
      },
      (response) => {
        if (response.statusCode !== 200) return reject(new Error(`status ${response.statusCode}`))
        response.setEncoding("latin1")
        response.on("data", (text: string) => {
          const now = process.hrtime.bigint()
          rest += text
          let used = 0
          for (const match of rest.matchAll(/~(\d+)~/g)) {
            if (heard === 0) first.push(Number(now - began) / 1e6)
            else each.push(Number(now - BigInt(match[1]!)) / 1e6)
            heard++
            used = match.index + match[0].length
          }
          rest = rest.slice(used)
        })
        response.on("end", () => (heard > 1 ? resolve() : reject(new Error("the chat ended without its tokens"))))
        response.on("error", reject)
      }
    )
    asked.once("error", reject)
    asked.end(JSON.stringify(order.body))
  })

await Promise.all(
  Array.from({ length: order.streams }, async (_, index) => {
    await new Promise((resolve) => setTimeout(resolve, index * apartMillis))
    await listen(index)
  })
)
console.log(
  JSON.stringify({
    first: quantile(first, 0.5),
    token: quantile(each, 0.5),
    p99: quantile(each, 0.99),
    tokens: each.length
  })
)
