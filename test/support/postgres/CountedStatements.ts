/**
 * A proxy before PostgreSQL that counts the statements which a process sends, those of transactions included. Since it does not
 * use the Clock, it also counts under a `TestClock`.
 *
 * @module
 */

import type { AddressInfo } from "node:net"
import { connect, createServer, type Socket } from "node:net"
import { setTimeout } from "node:timers/promises"
import { Effect, type Scope } from "effect"

export interface CountedStatements {
  /** The database's URL through the proxy. */
  readonly url: string
  readonly count: () => number
  /** The beginnings of the statements that were prepared. */
  readonly texts: () => ReadonlyArray<string>
  /** Waits until no statement runs, and none follows. */
  readonly quiet: Effect.Effect<void>
}

const code = (letter: string): number => letter.charCodeAt(0)

/** Calls `onMessage` with each message of a stream of PostgreSQL's protocol, after `skip` bytes. */
const reader = (skip: number, onMessage: (type: number, body: Buffer) => void) => {
  let rest: Buffer = Buffer.alloc(0)
  let left = skip
  return (chunk: Buffer): void => {
    rest = Buffer.concat([rest, chunk.subarray(left)])
    left = Math.max(0, left - chunk.length)
    while (rest.length >= 5) {
      const end = 1 + rest.readInt32BE(1)
      if (rest.length < end) return
      onMessage(rest[0] ?? 0, rest.subarray(5, end))
      rest = rest.subarray(end)
    }
  }
}

/** The code of a client's first message that asks for TLS; the server answers with one byte. */
const tlsRequest = 80_877_103

/** Starts a proxy before the server of this URL, which names a host and a port, or the folder of a Unix socket. It ends with the scope. */
export const start = Effect.fnUntraced(function* (
  target: string
): Effect.fn.Return<CountedStatements, never, Scope.Scope> {
  const server = new URL(target)
  const [host, port] = [decodeURIComponent(server.hostname), Number(server.port || 5432)]
  const address = host.startsWith("/") ? { path: `${host}/.s.PGSQL.${port}` } : { host, port }
  let statements = 0
  let running = 0
  const texts: Array<string> = []
  const sockets = new Set<Socket>()
  const proxy = createServer((client) => {
    const upstream = connect(address)
    /** The statements of this connection that have no answer yet, and its start. */
    let waiting = 0
    const add = (count: number) => {
      waiting += count
      running += count
    }
    // The session's start, before the client has asked for it.
    add(1)
    const readServer = (skip: number) =>
      reader(skip, (type) => {
        if (type === code("Z")) add(-1)
      })
    const messages = reader(0, (type, body) => {
      // Execute, and a simple query.
      if (type === code("E") || type === code("Q")) statements++
      if (type === code("P")) texts.push(body.toString("utf8", body.indexOf(0) + 1, body.indexOf(0) + 80))
      // Each Sync and simple query is answered by ReadyForQuery.
      if (type === code("S") || type === code("Q")) add(1)
    })
    /** The first messages of a client have no type. */
    let first = Buffer.alloc(0)
    let hasBegun = false
    let answers: ((chunk: Buffer) => void) | undefined
    let answerSkip = 0
    client.on("data", (chunk: Buffer) => {
      upstream.write(chunk)
      if (hasBegun) return messages(chunk)
      first = Buffer.concat([first, chunk])
      while (!hasBegun && first.length >= 8 && first.length >= first.readInt32BE(0)) {
        const [length, kind] = [first.readInt32BE(0), first.readInt32BE(4)]
        first = first.subarray(length)
        if (kind === tlsRequest) {
          answerSkip = 1
          continue
        }
        hasBegun = true
        // The session's start ends with ReadyForQuery. A request to cancel a statement (1234.5678) has no answer.
        if (kind >>> 16 !== 3) add(-1)
        messages(first)
      }
    })
    upstream.on("data", (chunk: Buffer) => {
      client.write(chunk)
      answers ??= readServer(answerSkip)
      answers(chunk)
    })
    client.on("close", () => add(-waiting))
    for (const [one, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      sockets.add(one)
      one.on("close", () => other.destroy())
      one.on("error", () => other.destroy())
    }
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void proxy.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        for (const socket of sockets) socket.destroy()
        proxy.close()
      })
  )
  const { password, pathname, protocol, search, username } = server
  return {
    url: `${protocol}//${username}:${password}@127.0.0.1:${(proxy.address() as AddressInfo).port}${pathname}${search}`,
    count: () => statements,
    texts: () => texts,
    quiet: Effect.promise(async () => {
      let [known, same] = [-1, 0]
      while (same < 3) {
        await setTimeout(1)
        same = running === 0 && statements === known ? same + 1 : 0
        known = statements
      }
    })
  }
})
