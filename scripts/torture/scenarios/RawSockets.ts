/**
 * Malicious requests, byte by byte: they are refused, the connection is closed, and a request smuggled behind them is not
 * executed.
 *
 * @module
 */
import assert from "node:assert/strict"
import { Effect, Schema } from "effect"
import { until } from "../../../test/support/Wait.ts"
import { AttackedService } from "../AttackedService.ts"
import type { Target } from "../Load.ts"
import * as Raw from "../Raw.ts"
import * as Rows from "../Rows.ts"
import type { Figures } from "./Figures.ts"

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.Int })])

/** The number of stored page views with this path. */
const stored = (database: string, path: string) =>
  Rows.use(database, (sql) =>
    sql`SELECT count(*)::int AS rows FROM (SELECT path FROM page_view UNION ALL SELECT path FROM bot_view) AS view
      WHERE path = ${path}`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Count)),
      Effect.map(([{ rows }]) => rows)
    )
  )

/** The path of the smuggled request. */
const smuggledPath = "/smuggled"

const view = (target: Target, path: string) => JSON.stringify({ site_id: target.trackingToken, page_path: path })

const head = (lines: ReadonlyArray<string>, first = "POST /v1/public/analytics/track HTTP/1.1") =>
  [first, "Host: edge", "User-Agent: Mozilla/5.0 Firefox/143.0", ...lines, "", ""].join("\r\n")

/** Malicious requests by name. A valid request follows all but the last three, and must not be executed. */
const attacks = (target: Target): Readonly<Record<string, string | Buffer>> => {
  const body = view(target, "/refused")
  const smuggled = head([
    "Content-Type: application/json",
    `Content-Length: ${view(target, smuggledPath).length}`
  ]).concat(view(target, smuggledPath))
  const length = `Content-Length: ${body.length}`
  const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
  const cases: Record<string, string> = {
    "both lengths": head([length, "Transfer-Encoding: chunked"]) + chunked,
    "both lengths, the other way round": head(["Transfer-Encoding: chunked", length]) + chunked,
    "two lengths": head(["Content-Length: 5", length]) + body,
    "two lengths in one": head([`Content-Length: 5, ${body.length}`]) + body,
    "a signed length": head([`Content-Length: +${body.length}`]) + body,
    "a negative length": head(["Content-Length: -1"]) + body,
    "a length that is not a number": head(["Content-Length: 0x40"]) + body,
    "a length beyond every integer": head([`Content-Length: ${"9".repeat(40)}`]) + body,
    "chunked is not the last encoding": head(["Transfer-Encoding: chunked, identity"]) + chunked,
    "an unknown encoding": head(["Transfer-Encoding: xchunked"]) + chunked,
    "a hidden encoding": head([length, "Transfer-Encoding\t: chunked"]) + chunked,
    "a space before the colon": head([`Content-Length : ${body.length}`]) + body,
    "bare LF": head([length]).replaceAll("\r\n", "\n") + body,
    "one bare LF in the head": head([`X-A: b\n${length}`]) + body,
    "bare CR in a header": head([`X-A: b\rc`, length]) + body,
    "obs-fold": head(["X-A: b\r\n c", length]) + body,
    "a folded encoding": head([length, "Transfer-Encoding:\r\n chunked"]) + chunked,
    "a header without a colon": head(["X-A", length]) + body,
    "a header without a name": head([": b", length]) + body,
    "NUL in a header": head(["X-A: b\0c", length]) + body,
    "a header of 1 MB": head([`X-A: ${"a".repeat(2 ** 20)}`, length]) + body,
    "20,000 headers": head([...Array.from({ length: 20_000 }, (_, index) => `X-${index}: b`), length]) + body,
    "an address of 1 MB": head([length], `POST /${"a".repeat(2 ** 20)} HTTP/1.1`) + body,
    "an unknown method": head([length], "BREW /v1/public/analytics/track HTTP/1.1") + body,
    "a method in small letters": head([length], "post /v1/public/analytics/track HTTP/1.1") + body,
    "an unknown version": head([length], "POST /v1/public/analytics/track HTTP/9.9") + body,
    "no version": "POST /v1/public/analytics/track\r\n\r\n",
    "HTTP/2 without an upgrade": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    CONNECT: head([], "CONNECT example.org:443 HTTP/1.1"),
    "a bad chunk size": `${head(["Transfer-Encoding: chunked"])}zz\r\n${body}\r\n0\r\n\r\n`,
    "a chunk size beyond every number": `${head(["Transfer-Encoding: chunked"])}${"f".repeat(17)}\r\n${body}`,
    "a chunk longer than its size": `${head(["Transfer-Encoding: chunked"])}5\r\n${body}\r\n0\r\n\r\n`,
    "chunks with bare LF": `${head(["Transfer-Encoding: chunked"])}${chunked.replaceAll("\r\n", "\n")}`,
    "a chunk extension of 1 MB": `${head(["Transfer-Encoding: chunked"])}5;a=${"b".repeat(2 ** 20)}\r\n${body}`,
    "trailers of 1 MB": `${head(["Transfer-Encoding: chunked"])}${chunked.slice(0, -2)}X-A: ${"b".repeat(2 ** 20)}\r\n\r\n`
  }
  return {
    ...Object.fromEntries(Object.entries(cases).map(([name, text]) => [name, text + smuggled])),
    // No request follows these: the first has consistent framing, so a request after it would not be smuggled. The others are
    // not HTTP.
    "no host": Buffer.from(`POST /v1/public/analytics/track HTTP/1.1\r\n${length}\r\n\r\n${body}`),
    "a TLS greeting": Buffer.concat([Buffer.from("16030100f8010000f40303", "hex"), Buffer.alloc(240, 7)]),
    noise: Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 151 + 7) % 256))
  }
}

/** Sends every attack on a connection of its own. */
export const rawSockets = Effect.gen(function* () {
  const { database, port, target } = yield* AttackedService
  const all = Object.entries(attacks(target))
  for (const [name, bytes] of all) {
    yield* Effect.scoped(
      Effect.gen(function* () {
        const raw = yield* Raw.open(port)
        raw.write(bytes)
        yield* until(`the connection is closed after ${name}`, raw.closed, 10_000)
        const answers = Raw.statuses(raw.received())
        assert.ok(answers.length <= 1, `${name}: one answer at most, not ${answers.join(", ")}`)
        for (const status of answers) assert.ok(status >= 400 && status < 500, `${name}: ${status}`)
        assert.ok(!raw.received().includes("    at "), `${name}: no stack`)
      })
    )
  }
  assert.equal(yield* stored(database, smuggledPath), 0, "no smuggled request is executed")
  assert.equal(yield* stored(database, "/refused"), 0, "no refused request is executed")
  return { attacks: all.length, "refused and closed": all.length, "carried out": 0 } satisfies Figures
})
