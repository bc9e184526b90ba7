/** Ports of this machine. */
import { randomInt } from "node:crypto"
import { createServer } from "node:net"
import { Effect } from "effect"

/**
 * Below the ports that systems choose for connections and for servers that name none: from 32768 on under Linux, from 49152 on under
 * others. So what runs beside a test takes none of these while the test's server starts, or is down.
 */
const [first, last] = [10_000, 32_000]

/** Whether a server can listen on a loopback TCP port. */
const isFree = (port: number): Effect.Effect<boolean> =>
  Effect.callback((resume) => {
    const server = createServer()
    server.once("error", () => resume(Effect.succeed(false)))
    server.listen(port, "127.0.0.1", () => server.close(() => resume(Effect.succeed(true))))
  })

/** A loopback TCP port that was free a moment ago. */
export const free: Effect.Effect<number> = Effect.suspend(() => {
  const port = randomInt(first, last)
  return Effect.flatMap(isFree(port), (isFree) => (isFree ? Effect.succeed(port) : free))
})
