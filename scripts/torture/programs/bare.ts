/**
 * A bare `node:http` server that reads each body and answers 204: a baseline of Node itself.
 *
 * @module
 */
import { createServer } from "node:http"

const server = createServer((request, response) => {
  request.on("error", () => {})
  request.resume().on("end", () => response.writeHead(204).end())
})
server.listen(0, "127.0.0.1", () => {
  const address = server.address()
  if (typeof address === "object") console.log(`Listening on http://127.0.0.1:${address?.port}`)
})
