/**
 * Sends page views at a steady rate, whether or not the server keeps up (an open loop), and measures each latency from the
 * moment when the request was due. If all connections are busy, the request waits for one, and the wait counts.
 *
 * Arguments: the port, the site's tracking token, requests per second, seconds, connections. Prints one JSON document with
 * latencies in milliseconds. Due requests are sent about once per millisecond, so latencies include up to one millisecond of
 * this program. The load runs for one second before latencies are recorded, because this program has to warm up too.
 *
 * @module
 */
import { connect, type Socket } from "node:net"
import { performance } from "node:perf_hooks"
import { quantile } from "../harness/Statistics.ts"
import { firstResponse, post } from "./HttpWire.ts"

const [port = 0, rate = 0, seconds = 0, connections = 0] = [2, 4, 5, 6].map((index) => Number(process.argv[index]))
const site = process.argv[3] ?? ""
const warmUpMillis = 1_000
const millis = warmUpMillis + seconds * 1_000
/** How many page views the rate demands, those of the warm-up included. */
const total = Math.floor((rate * millis) / 1_000)
const firstClient = Math.floor(Math.random() * 2 ** 24)
const drainMillis = 10_000

const latencies: Array<number> = []
/** Page views that got another status than 204, or whose connection closed before a response. */
let failed = 0
let scheduled = 0
/** When each request was due; those before `head` are sent. */
const due: Array<number> = []
let head = 0
const idle: Array<Socket> = []

const request = (index: number): string =>
  post(
    "/v1/public/analytics/track",
    `{"site_id":"${site}","page_path":"/articles/${index}?utm_source=newsletter","referrer":"https://www.example.org/search","screen_width":1440,"session_id":"s-${index}"}`,
    firstClient + index
  )

const dispatch = (): void => {
  while (head < due.length && idle.length > 0) {
    const socket = idle.pop()!
    pending.set(socket, due[head]!)
    head++
    socket.write(request(head), "latin1")
  }
}

/** When the pending request of each busy connection was due. */
const pending = new Map<Socket, number>()

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    let received = ""
    socket.setEncoding("latin1")
    socket.once("connect", () => resolve(socket))
    socket.once("error", reject)
    socket.once("close", () => {
      if (pending.delete(socket)) failed++
      const place = idle.indexOf(socket)
      if (place >= 0) idle.splice(place, 1)
    })
    socket.on("data", (text: string) => {
      received += text
      const response = firstResponse(received)
      if (response === undefined) return
      received = received.slice(response.length)
      const dueAt = pending.get(socket)
      // A connection that has sent nothing for ten seconds gets a 408 and is closed.
      if (dueAt === undefined) return
      pending.delete(socket)
      if (dueAt >= began + warmUpMillis) latencies.push(performance.now() - dueAt)
      if (response.status !== 204) failed++
      idle.push(socket)
      dispatch()
    })
  })

const sockets = await Promise.all(Array.from({ length: connections }, open))
idle.push(...sockets)
const began = performance.now()

const finish = (): void => {
  // A request without a response has taken at least until now.
  const late = [...pending.values(), ...due.slice(head)].map((dueAt) => performance.now() - dueAt)
  const all = [...latencies, ...late]
  console.log(
    JSON.stringify({
      total,
      unanswered: late.length,
      failed,
      median: quantile(all, 0.5),
      p99: quantile(all, 0.99),
      max: quantile(all, 1)
    })
  )
  process.exit(0)
}

const tick = (): void => {
  const now = performance.now() - began
  const dueCount = Math.min(total, Math.floor((now / 1000) * rate))
  for (; scheduled < dueCount; scheduled++) due.push(began + (scheduled / rate) * 1000)
  dispatch()
  const done = scheduled === total && pending.size === 0 && head === due.length
  if (done || now > millis + drainMillis) finish()
  else setTimeout(tick, 1)
}
tick()
