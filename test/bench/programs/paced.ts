/**
 * Sends page views at a steady rate, whether or not the answers keep up (an open loop), and tells how long each took from
 * the moment when it was due, so that a server which falls behind cannot hide it. Requests that find every connection busy
 * wait for the next free one, and their wait counts.
 *
 * Arguments: the port, the site's tracking token, requests a second, seconds, connections. It prints one JSON document,
 * times in milliseconds. What is due is looked at about once in a millisecond: that much of each time is ours. The load goes
 * on for a second before the times are taken, since this program too is slow at first.
 *
 * @module
 */
import { connect, type Socket } from "node:net"
import { performance } from "node:perf_hooks"
import { quantile } from "../harness/Numbers.ts"
import { firstAnswer, post } from "./wire.ts"

const [port = 0, rate = 0, seconds = 0, connections = 0] = [2, 4, 5, 6].map((index) => Number(process.argv[index]))
const site = process.argv[3] ?? ""
const warmUpMillis = 1_000
const millis = warmUpMillis + seconds * 1_000
const total = Math.floor((rate * millis) / 1_000)
const client = Math.floor(Math.random() * 2 ** 24)
const patienceMillis = 10_000

const took: Array<number> = []
let refused = 0
let issued = 0
/** When those that wait for a connection were due; `head` is the first. */
const due: Array<number> = []
let head = 0
const idle: Array<Socket> = []

const request = (index: number): string =>
  post(
    "/v1/public/analytics/track",
    `{"site_id":"${site}","page_path":"/articles/${index}?utm_source=newsletter","referrer":"https://www.example.org/search","screen_width":1440,"session_id":"s-${index}"}`,
    client + index
  )

const dispatch = (): void => {
  while (head < due.length && idle.length > 0) {
    const socket = idle.pop()!
    asked.set(socket, due[head]!)
    head++
    socket.write(request(head), "latin1")
  }
}

const asked = new Map<Socket, number>()

const open = (): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true })
    let received = ""
    socket.setEncoding("latin1")
    socket.once("connect", () => resolve(socket))
    socket.once("error", reject)
    socket.once("close", () => {
      if (asked.delete(socket)) refused++
    })
    socket.on("data", (text: string) => {
      received += text
      const answer = firstAnswer(received)
      if (answer === undefined) return
      received = received.slice(answer.length)
      const since = asked.get(socket)
      asked.delete(socket)
      if (since !== undefined && since >= began + warmUpMillis) took.push(performance.now() - since)
      if (answer.status !== 204) refused++
      idle.push(socket)
      dispatch()
    })
  })

const sockets = await Promise.all(Array.from({ length: connections }, open))
idle.push(...sockets)
const began = performance.now()

const finish = (): void => {
  // What was not answered in time took at least until now.
  const late = [...asked.values(), ...due.slice(head)].map((since) => performance.now() - since)
  const all = [...took, ...late]
  console.log(
    JSON.stringify({
      sent: total,
      unanswered: late.length,
      refused,
      median: quantile(all, 0.5),
      p99: quantile(all, 0.99),
      most: quantile(all, 1)
    })
  )
  process.exit(0)
}

const tick = (): void => {
  const now = performance.now() - began
  const arrived = Math.min(total, Math.floor((now / 1000) * rate))
  for (; issued < arrived; issued++) due.push(began + (issued / rate) * 1000)
  dispatch()
  const done = issued === total && asked.size === 0 && head === due.length
  if (done || now > millis + patienceMillis) finish()
  else setTimeout(tick, 1)
}
tick()
