/**
 * Measures the bytes that one page view moves. `node scripts/bench/programs/PageViewBytes.ts` prints a table: the bytes of a request
 * with the headers that a browser sends, of the answer, and of PostgreSQL's write-ahead log under load.
 *
 * @module
 */
import { connect } from "node:net"
import path from "node:path"
import { NodeRuntime } from "@effect/platform-node"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "../harness/Edge.ts"
import { bytesTable } from "../harness/GrowthTables.ts"
import * as Program from "../harness/Program.ts"
import * as TestBed from "../harness/TestBed.ts"
import * as Wrk from "../harness/Wrk.ts"

const root = path.resolve(import.meta.dirname, "../../..")

/** The headers of Chromium for a request of the script of page views from another website. */
const headers = [
  "Host: edge.example",
  "Connection: keep-alive",
  'sec-ch-ua-platform: "Linux"',
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  'sec-ch-ua: "Chromium";v="140", "Not=A?Brand";v="24", "Google Chrome";v="140"',
  "Content-Type: application/json",
  "sec-ch-ua-mobile: ?0",
  "Accept: */*",
  "Origin: https://www.example.com",
  "Sec-Fetch-Site: cross-site",
  "Sec-Fetch-Mode: cors",
  "Sec-Fetch-Dest: empty",
  "Referer: https://www.example.com/",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-US,en;q=0.9"
]

const requestOf = (siteId: string): string => {
  const body = JSON.stringify({
    site_id: siteId,
    page_path: "/products/shoes",
    referrer: "https://www.example.com/",
    session_id: "6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    screen_width: 1920
  })
  const head = [
    "POST /v1/public/analytics/track HTTP/1.1",
    ...headers,
    `Content-Length: ${Buffer.byteLength(body)}`
  ].join("\r\n")
  return `${head}\r\n\r\n${body}`
}

/** The first bytes that arrive: an answer without a body is one write. */
const answerTo = (port: number, request: string) =>
  Effect.promise(
    () =>
      new Promise<Buffer>((resolve, reject) => {
        const socket = connect({ host: "127.0.0.1", port }, () => socket.write(request))
        socket.once("error", reject)
        socket.once("data", (data) => {
          socket.destroy()
          resolve(data)
        })
      })
  )

const WalPosition = Schema.Tuple([Schema.Struct({ bytes: Schema.Finite })])

const measure = Effect.gen(function* () {
  const testBed = yield* TestBed.make()
  const edge = yield* Edge.prepare(testBed, root, "bytes")
  const walBytes = TestBed.onDatabase(testBed, edge.database, (sql) =>
    sql`SELECT (pg_current_wal_lsn() - '0/0')::float8 AS bytes`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(WalPosition)),
      Effect.map(([{ bytes }]) => bytes),
      Effect.mapError(({ message }) => new Program.BenchError({ message }))
    )
  )
  const port = yield* Ports.free
  yield* Edge.serve(testBed, edge, port)
  const load: Wrk.Load = { port, kind: "view", seconds: 6, connections: 64, subject: edge.site.trackingToken }
  yield* TestBed.checkpoint(testBed)
  // Not measured, because the first change of a page of the database after a checkpoint logs the whole page.
  yield* Wrk.send(testBed.folder, "edge", load)
  const before = yield* walBytes
  const { requests } = yield* Wrk.send(testBed.folder, "edge", load)
  const log = Math.round(((yield* walBytes) - before) / requests)
  const request = requestOf(edge.site.trackingToken)
  const answer = yield* answerTo(port, request)
  if (!answer.toString("latin1").startsWith("HTTP/1.1 204 ")) {
    return yield* new Program.BenchError({ message: answer.toString("latin1") })
  }
  console.log(bytesTable({ request: Buffer.byteLength(request), answer: answer.length, log }))
}).pipe(Effect.scoped)

NodeRuntime.runMain(measure)
