/**
 * Thousands of requests, many of them broken: no 5xx, no late response, no internals in a response, and every accepted page view
 * and form is stored as sent.
 *
 * @module
 */
import assert from "node:assert/strict"
import { connect } from "node:net"
import { Effect, Schema } from "effect"
import { AttackedService } from "../AttackedService.ts"
import { encode } from "../fuzz/Encoding.ts"
import { random as randomOf } from "../fuzz/Random.ts"
import { make, type Request } from "../fuzz/Requests.ts"
import * as Rows from "../Rows.ts"
import { type Figures, rounded } from "./Figures.ts"

export interface Options {
  readonly requests: number
  readonly seed: number
  /** The maximum response time, in milliseconds. */
  readonly maxMillis: number
}

const clients = 8

interface Exchange {
  readonly status: number | undefined
  readonly text: string
  readonly millis: number
}

/** Sends bytes and reads until the server closes. With `closesEarly`, closes its half of the connection after sending. */
const exchange = (port: number, bytes: Buffer, closesEarly: boolean): Promise<Exchange> =>
  new Promise((resolve, reject) => {
    const begun = performance.now()
    const socket = connect({ host: "127.0.0.1", port })
    let text = ""
    const end = () => {
      clearTimeout(timer)
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
      resolve({ status: status === undefined ? undefined : Number(status), text, millis: performance.now() - begun })
    }
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end after 20 s: ${bytes.subarray(0, 300).toString("latin1")}`))
    }, 20_000)
    socket.setEncoding("utf8").on("data", (part: string) => {
      text += part
    })
    socket.on("error", () => {})
    socket.on("close", end)
    socket.write(bytes, () => {
      if (closesEarly) socket.end()
    })
  })

const SubmitResponse = Schema.Struct({ submission_id: Schema.String })
const bodyOf = (text: string) => text.slice(text.indexOf("\r\n\r\n") + 4)

/** The value of the last member with this name, if any. */
const lastOf = (members: NonNullable<Request["members"]>, name: string) =>
  members.findLast(([key]) => JSON.parse(key) === name)?.[1]

const textOf = (json: string | undefined): string | null => {
  const value: unknown = json === undefined ? null : JSON.parse(json)
  return typeof value === "string" ? value : null
}

const Submissions = Schema.Array(
  Schema.Struct({
    id: Schema.String,
    form_data: Schema.String,
    email: Schema.NullOr(Schema.String),
    page_slug: Schema.NullOr(Schema.String)
  })
)
const Views = Schema.Array(
  Schema.Struct({ mark: Schema.String, path: Schema.String, screen_width: Schema.NullOr(Schema.Int) })
)

/** What a response must not contain: a stack trace, a query, a file path, the name of a program behind the service. */
const internals = /\n\s+at |node_modules|\/src\/|SELECT |INSERT |file:\/\/|PostgreSQL|Effect\./

/** Whether a path is stored exactly as sent. */
const isPlain = (path: string) => /^\/[^?#\0]*$/.test(path) && path.isWellFormed() && path.length <= 2048

/** A request's mark. It has the number twice, so that changing one byte does not produce another request's mark. */
const markOf = (number: number) => `fuzz-${number}-${number}`

export const fuzz = Effect.fnUntraced(function* (options: Options) {
  const { database, port, target } = yield* AttackedService
  const random = randomOf(options.seed)
  const statuses = new Map<string, number>()
  const forms = new Map<string, Request>()
  const views = new Map<string, Request>()
  let slowest = 0
  let number = 0
  let valid = 0
  let late = 0

  const one = async () => {
    const mark = markOf(++number)
    const request = make(random, target, mark)
    const unframed = request.framing === "too long" || request.framing === "too short"
    const send = () => exchange(port, encode(request), unframed)
    const { millis, status, text } = await send()
    const what = `seed ${options.seed}, request ${mark} (${request.endpoint}, ${request.fault})`
    assert.ok(unframed || status !== undefined, `${what}: the request is answered`)
    assert.ok(status === undefined || status < 500, `${what}: ${text.slice(0, 500)}`)
    // Repeated, to distinguish a request that is always slow from a delay by a busy machine.
    const isLate = millis >= options.maxMillis
    if (isLate) {
      late++
      const again = Math.min((await send()).millis, (await send()).millis)
      assert.ok(again < options.maxMillis, `${what}: answered after ${millis} ms, and again after ${again} ms`)
    }
    assert.doesNotMatch(text, internals, what)
    assert.ok(text.length < 20_000 || request.endpoint === "chat", `${what}: the answer has ${text.length} characters`)
    if (request.fault === "valid") {
      valid++
      const success = request.endpoint === "track" ? 204 : 200
      // A chat's URL may be wrong in an otherwise valid request.
      assert.ok(
        status === success || (request.endpoint === "chat" && [401, 404, 422].includes(status ?? 0)),
        `${what}: ${text.slice(0, 500)}`
      )
    }
    slowest = Math.max(slowest, millis)
    statuses.set(String(status), (statuses.get(String(status)) ?? 0) + 1)
    if (request.members === undefined || unframed || isLate) return
    if (status === 200 && request.endpoint === "submit") {
      forms.set(Schema.decodeUnknownSync(Schema.fromJsonString(SubmitResponse))(bodyOf(text)).submission_id, request)
    }
    if (status === 204 && textOf(lastOf(request.members, "session_id")) === mark) views.set(mark, request)
  }
  const client = async () => {
    while (number < options.requests) await one()
  }
  yield* Effect.promise(() => Promise.all(Array.from({ length: clients }, client)))

  const rows = yield* Rows.use(database, (sql) =>
    Effect.gen(function* () {
      return {
        forms:
          yield* sql`SELECT submission_id AS id, form_data::text AS form_data, email, page_slug FROM submission`.pipe(
            Effect.flatMap(Schema.decodeUnknownEffect(Submissions))
          ),
        views:
          yield* sql`SELECT session_id AS mark, path, screen_width FROM page_view WHERE starts_with(session_id, 'fuzz-')
          UNION ALL SELECT session_id, path, screen_width FROM bot_view WHERE starts_with(session_id, 'fuzz-')`.pipe(
            Effect.flatMap(Schema.decodeUnknownEffect(Views))
          )
      }
    })
  )
  const stored = new Map(rows.forms.map((row) => [row.id, row]))
  for (const [id, { members = [] }] of forms) {
    const row = stored.get(id)
    assert.ok(row !== undefined, `seed ${options.seed}: submission ${id} was acknowledged, and is stored`)
    assert.equal(row.form_data, lastOf(members, "form_data"), "form_data as it was written")
    assert.equal(row.email, textOf(lastOf(members, "email")))
    assert.equal(row.page_slug, textOf(lastOf(members, "page_slug")))
  }
  const seen = new Map<string, Array<(typeof rows.views)[number]>>()
  for (const row of rows.views) seen.set(row.mark, [...(seen.get(row.mark) ?? []), row])
  let compared = 0
  for (const [mark, { members = [] }] of views) {
    const found = seen.get(mark) ?? []
    assert.equal(found.length, 1, `seed ${options.seed}: view ${mark} was acknowledged, and is stored once`)
    const path = textOf(lastOf(members, "page_path")) ?? ""
    if (!isPlain(path)) continue
    compared++
    assert.equal(found[0]?.path, path)
  }
  return {
    requests: number,
    valid,
    "forms compared": forms.size,
    "views found": views.size,
    "paths compared": compared,
    "5xx": [...statuses.keys()].filter((status) => status >= "500" && status < "600").length,
    "slowest ms": rounded(slowest),
    "held up by the machine": late,
    statuses: [...statuses]
      .toSorted()
      .map(([status, count]) => `${status}: ${count}`)
      .join(", ")
  } satisfies Figures
})
