/** Ports of this machine. */
import { createServer } from "node:net"
import { Effect } from "effect"

/** A loopback TCP port that was free a moment ago: another process may still take it. */
export const free: Effect.Effect<number> = Effect.callback((resume) => {
  const server = createServer()
  server.once("error", (error) => resume(Effect.die(error)))
  server.listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})
