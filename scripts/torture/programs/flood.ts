/**
 * Floods a server from 127.0.0.2 until this process is killed: `node flood.ts PORT NAME TARGET`, where TARGET is JSON.
 *
 * @module
 */
import { connect } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { floods } from "../Floods.ts"

const [port, name = "", target = "{}"] = process.argv.slice(2)
const flood = floods(JSON.parse(target))[name]
if (flood === undefined) throw new Error(`There is no flood called ${name}`)
const { first, next, pace, sockets = 30, times = Number.POSITIVE_INFINITY, unread = false } = flood
const [firstBytes, nextBytes] = [Buffer.from(first), Buffer.from(next)]

const connectOnce = (): Promise<void> =>
  new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", localAddress: "127.0.0.2", port: Number(port), noDelay: true })
    let resume = () => {}
    socket.on("error", () => {})
    socket.on("drain", () => resume())
    socket.on("close", () => {
      resume()
      resolve()
    })
    if (unread) socket.pause()
    else socket.resume()
    const send = async () => {
      for (let count = 0; count < times && !socket.destroyed; count++) {
        if (!socket.write(nextBytes)) await new Promise<void>((drained) => (resume = drained))
        if (pace === 0) await new Promise(setImmediate)
        else if (pace !== undefined) await sleep(pace)
      }
      if (times === 0) socket.destroy()
      else socket.end()
    }
    socket.on("connect", () => {
      if (firstBytes.length > 0) socket.write(firstBytes)
      void send()
    })
  })

const reconnectForever = async () => {
  for (;;) {
    await connectOnce()
    await new Promise(setImmediate)
  }
}

for (let count = 0; count < sockets; count++) void reconnectForever()
