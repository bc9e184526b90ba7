/** A name server on this machine (RFC 1035 over UDP), for look-ups of names that owners choose. */
import { createSocket } from "node:dgram"
import { Effect, Layer } from "effect"
import * as OutwardNames from "../../src/platform/outward/OutwardNames.ts"

/** IPv4 and IPv6 addresses; `unknown` for a name that does not exist, `silent` for no response. */
export type Answer = ReadonlyArray<string> | "unknown" | "silent"

const typeA = 1
const typeAaaa = 28

/** The bytes of an address in full notation, or in one with `::`. */
const bytesOf = (address: string): Buffer => {
  if (!address.includes(":")) return Buffer.from(address.split(".").map(Number))
  const [head = "", tail = ""] = address.split("::")
  const [first, last] = [head, tail].map((part) => (part === "" ? [] : part.split(":")))
  const zeros = Array.from({ length: 8 - first!.length - last!.length }, () => "0")
  return Buffer.from(
    [...first!, ...zeros, ...last!].flatMap((group) => [
      Number.parseInt(group, 16) >> 8,
      Number.parseInt(group, 16) & 255
    ])
  )
}

/** The name, the type and the bytes of the question of a query. */
const questionOf = (query: Buffer) => {
  const labels: Array<string> = []
  let at = 12
  while (query[at] !== 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + query[at]!))
    at += 1 + query[at]!
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), bytes: query.subarray(12, at + 5) }
}

const responseTo = (query: Buffer, answer: Exclude<Answer, "silent">): Buffer => {
  const { bytes, type } = questionOf(query)
  const addresses =
    answer === "unknown" ? [] : answer.filter((one) => (one.includes(":") ? type === typeAaaa : type === typeA))
  const head = Buffer.alloc(12)
  query.copy(head, 0, 0, 2)
  head.writeUInt16BE(answer === "unknown" ? 0x8183 : 0x8180, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(addresses.length, 6)
  const records = addresses.map((address) => {
    const data = bytesOf(address)
    const record = Buffer.alloc(12)
    record.writeUInt16BE(0xc00c, 0)
    record.writeUInt16BE(type, 2)
    record.writeUInt16BE(1, 4)
    record.writeUInt16BE(data.length, 10)
    return Buffer.concat([record, data])
  })
  return Buffer.concat([head, bytes, ...records])
}

/** Starts a name server. `queried` lists the names whose IPv4 addresses were asked for, in order; `server` is its address. */
export const start = Effect.fnUntraced(function* (answerOf: (name: string) => Answer) {
  const queried: Array<string> = []
  const socket = createSocket("udp4")
  socket.on("message", (query, { address, port }) => {
    const { name, type } = questionOf(query)
    const answer = answerOf(name)
    if (type === typeA) queried.push(name)
    if (answer !== "silent") socket.send(responseTo(query, answer), port, address)
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => {
      socket.bind(0, "127.0.0.1", () => resume(Effect.void))
    }),
    () => Effect.sync(() => socket.close())
  )
  const server = `127.0.0.1:${socket.address().port}`
  return { queried, server, names: OutwardNames.layerOf({ servers: [server] }) }
})

/** Asks a name server that gives every name these addresses. */
export const always = (answer: Answer): Layer.Layer<OutwardNames.OutwardNames> =>
  Layer.unwrap(
    Effect.map(
      start(() => answer),
      ({ names }) => names
    )
  )
