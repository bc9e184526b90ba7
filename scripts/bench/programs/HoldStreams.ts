/**
 * Opens chats that send one token and then nothing, and holds them open until SIGTERM. Prints `HELD n` when all attempts
 * have finished.
 *
 * Arguments: the port, the path of the chat, its token, the number of chats.
 *
 * @module
 */
import { connect } from "node:net"
import { post } from "./HttpWire.ts"

const port = Number(process.argv[2])
const [path = "", token = ""] = process.argv.slice(3, 5)
const wanted = Number(process.argv[5])
const body = JSON.stringify({ message: JSON.stringify({ hold: true }) })

/** How many are opened concurrently. */
const concurrency = 100

const openStream = (index: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" })
    let received = ""
    const settle = (isHeld: boolean) => {
      received = ""
      resolve(isHeld)
    }
    socket.setEncoding("latin1")
    socket.once("connect", () => socket.write(post(path, body, index, { "X-Widget-Token": token })))
    socket.once("error", () => settle(false))
    socket.once("close", () => settle(false))
    socket.on("data", (text: string) => {
      if (received.length < 4096) received += text
      if (received.startsWith("HTTP/1.1 200") && /~\d+~/.test(received)) settle(true)
      else if (received.length > 12 && !received.startsWith("HTTP/1.1 200")) settle(false)
    })
  })

let next = 0
let held = 0
await Promise.all(
  Array.from({ length: concurrency }, async () => {
    while (next < wanted) if (await openStream(next++)) held++
  })
)
console.log(`HELD ${held}`)
process.once("SIGTERM", () => process.exit(0))
setInterval(() => {}, 60_000)
