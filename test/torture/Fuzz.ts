/**
 * Generates requests from the contract's published schemas: valid ones, and ones broken in many ways. Pure: the same seed
 * gives the same requests.
 *
 * @module
 */
import { gzipSync } from "node:zlib"
import { Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../../src/contract/Api.ts"
import type { Target } from "./Load.ts"

/** A source of random numbers from 0 (inclusive) to 1, and values derived from them. */
export interface Random {
  readonly below: (bound: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <A>(values: ReadonlyArray<A>) => A
}

/** A small random generator with 32 bits of state (a mixed Weyl sequence). */
export const random = (seed: number): Random => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
  }
  const below = (bound: number) => Math.floor(next() * bound)
  return { below, chance: (probability) => next() < probability, pick: (values) => values[below(values.length)]! }
}

/** The part of an OpenAPI schema that is used here. */
interface Shape {
  readonly type?: string
  readonly format?: string
  readonly maxLength?: number
  readonly maxProperties?: number
  readonly anyOf?: ReadonlyArray<Shape>
}
const Shape: Schema.Codec<Shape> = Schema.Struct({
  type: Schema.optionalKey(Schema.String),
  format: Schema.optionalKey(Schema.String),
  maxLength: Schema.optionalKey(Schema.Int),
  maxProperties: Schema.optionalKey(Schema.Int),
  anyOf: Schema.optionalKey(Schema.Array(Schema.suspend((): Schema.Codec<Shape> => Shape)))
})
const Model = Schema.Struct({
  properties: Schema.Record(Schema.String, Shape),
  required: Schema.optionalKey(Schema.Array(Schema.String))
})
const models = Schema.decodeUnknownSync(
  Schema.Struct({
    TrackAnalyticsRequest: Model,
    SubmitFormRequest: Model,
    WidgetChatRequest: Model
  })
)(OpenApi.fromApi(Api).components?.schemas ?? {})

export type Endpoint = "track" | "submit" | "chat"

const modelOf = {
  track: models.TrackAnalyticsRequest,
  submit: models.SubmitFormRequest,
  chat: models.WidgetChatRequest
} as const

/** A member of a JSON object: name and value as JSON text. */
type Member = readonly [key: string, value: string]

export interface Request {
  readonly endpoint: Endpoint
  readonly path: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body: Buffer
  /** The mutation; `valid` if none. */
  readonly fault: string
  /** The members of the body as sent, if the body is a JSON object. */
  readonly members: ReadonlyArray<Member> | undefined
  /** How the body is sent: with its length, in chunks with extensions, or with a wrong length. */
  readonly framing: "length" | "chunks" | "too short" | "too long"
}

const strings: ReadonlyArray<string> = [
  "",
  "a",
  "/pricing?utm_source=news&utm_medium=%F0%9F%99%82",
  "Grüße 🙂 𝕏",
  "\u202eevil\u202c \u200f",
  "\u0000",
  "a\u0000b",
  "\ud800",
  "\udc00x",
  "\u2028\u2029\ufeff",
  "'; DROP TABLE submission; --",
  "<script>alert(1)</script>",
  "{{7*7}}$" + "{7*7}",
  "\u001b[31mred\u0007",
  "line\r\nX-Injected: yes",
  "=cmd|' /C calc'!A0",
  "javascript:alert(1)",
  "https://example.org/a?token=secret#x",
  "../../etc/passwd",
  "%00%ff%fe",
  "NaN",
  "null",
  "12",
  "__proto__",
  "constructor"
]

const numbers = [
  "0",
  "-0",
  "1",
  "1.5",
  "12.0",
  "-1",
  "320",
  "1e400",
  "-1e-400",
  "9007199254740993",
  "123456789012345678901234567890",
  "9".repeat(4_000),
  "0.1e1"
]

/** Arbitrary JSON text. */
const anyJson = (random: Random, depth = 0): string => {
  const kind = random.below(depth > 4 ? 4 : 6)
  if (kind === 0) return JSON.stringify(random.pick(strings))
  if (kind === 1) return random.pick(numbers)
  if (kind === 2) return random.pick(["true", "false", "null"])
  if (kind === 3) return JSON.stringify(random.pick(strings).repeat(1 + random.below(20)))
  const items = Array.from({ length: random.below(4) }, () => anyJson(random, depth + 1))
  return kind === 4
    ? `[${items.join(",")}]`
    : `{${items.map((item) => `${JSON.stringify(random.pick(strings))}:${item}`).join(",")}}`
}

/** JSON text that matches a schema. */
const valid = (shape: Shape, random: Random, id: string): string => {
  if (shape.anyOf !== undefined) return valid(random.pick(shape.anyOf), random, id)
  if (shape.format === "uuid") return JSON.stringify(id)
  switch (shape.type) {
    case "string": {
      const text = random.pick([
        "/",
        "/a?b=c",
        "desktop",
        "Ada",
        "Grüße 🙂",
        "x".repeat(Math.min(shape.maxLength ?? 300, 2000))
      ])
      return JSON.stringify([...text].slice(0, shape.maxLength ?? text.length).join(""))
    }
    case "integer":
      return String(random.below(5_000))
    case "object":
      return `{${Array.from({ length: random.below(5) }, (_, index) => `"field ${index}":${anyJson(random)}`).join(",")}}`
    default:
      return "null"
  }
}

const join = (members: ReadonlyArray<Member>) => `{${members.map(([key, value]) => `${key}:${value}`).join(",")}}`

const deep = (times: number, [open, close]: readonly [string, string]) => open.repeat(times) + close.repeat(times)

type Change = (members: ReadonlyArray<Member>, random: Random) => ReadonlyArray<Member>

const replaceOne =
  (value: (random: Random) => string): Change =>
  (members, random) => {
    const which = random.below(members.length)
    return members.map(([key, old], index) => [key, index === which ? value(random) : old] as const)
  }

/** Mutations of a body's members; the body stays valid JSON. */
const changes: Readonly<Record<string, Change>> = {
  "another type": replaceOne((random) => anyJson(random)),
  "a strange text": replaceOne((random) => JSON.stringify(random.pick(strings))),
  "a strange number": replaceOne((random) => random.pick(numbers)),
  "a very long text": replaceOne((random) => JSON.stringify("é".repeat(random.pick([2_049, 8_001, 60_000])))),
  "nested 100,000 deep": replaceOne((random) =>
    deep(100_000, random.pick([["[", "]"] as const, ['{"a":', "}"] as const]))
  ),
  "nested 90 deep": replaceOne(() => deep(90, ["[", "]"])),
  "a member twice": (members, random) => [...members, random.pick(members)],
  "another value for a member": (members, random) => [...members, [random.pick(members)[0], anyJson(random)]],
  "a member less": (members, random) => {
    const which = random.below(members.length)
    return members.filter((_, index) => index !== which)
  },
  "a __proto__ member": (members) => [['"__proto__"', '{"site_id":1,"polluted":true}'], ...members],
  "a constructor member": (members) => [...members, ['"constructor"', '{"prototype":{"polluted":true}}']],
  "a key of 64 KiB": (members) => [...members, [JSON.stringify("k".repeat(65_536)), "1"]],
  "60 fields": replaceOne(() => `{${Array.from({ length: 60 }, (_, index) => `"f${index}":1`).join(",")}}`),
  "10,000 members": (members: ReadonlyArray<Member>): ReadonlyArray<Member> => [
    ...members,
    ...Array.from({ length: 10_000 }, (_, index) => [`"m${index}"`, "1"] as const)
  ]
}

/** Mutations of a body's bytes. */
const mangles: Readonly<Record<string, (body: Buffer, random: Random) => Buffer>> = {
  "nothing at all": () => Buffer.alloc(0),
  "a byte order mark": (body) => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), body]),
  "UTF-16": (body) => Buffer.from(body.toString("utf8"), "utf16le"),
  "invalid UTF-8": (body, random) => {
    const at = random.below(body.length)
    return Buffer.concat([body.subarray(0, at), Buffer.from([0xc3, 0x28, 0xed, 0xa0, 0x80]), body.subarray(at)])
  },
  "a byte changed": (body, random) => {
    const changed = Buffer.from(body)
    changed[random.below(changed.length)] = random.below(256)
    return changed
  },
  "cut off": (body, random) => body.subarray(0, random.below(body.length)),
  "more behind it": (body) => Buffer.concat([body, Buffer.from("]}")]),
  gzip: (body) => gzipSync(body),
  "a gzip bomb": () => bomb,
  "too large": (body) => Buffer.concat([body, Buffer.alloc(300 * 1024, " ")]),
  "no object": (_, random) => Buffer.from(anyJson(random)),
  "only brackets": () => Buffer.from("[".repeat(100_000))
}

const bomb = gzipSync(Buffer.alloc(64 * 2 ** 20))

const types = [
  "application/json",
  "application/json; charset=utf-8",
  "text/plain;charset=UTF-8",
  "application/ld+json",
  "text/html",
  "multipart/form-data",
  "application/x-www-form-urlencoded",
  "APPLICATION/JSON",
  ";",
  "\u00ff"
]

/** Mutations of the headers. */
const headerChanges: Readonly<Record<string, (random: Random) => ReadonlyArray<readonly [string, string]>>> = {
  "a content type": (random) => [["Content-Type", random.pick(types)]],
  "a content encoding": (random) => [["Content-Encoding", random.pick(["gzip", "br", "identity", "x"])]],
  "a flood of headers": (random) =>
    Array.from(
      { length: 1 + random.below(300) },
      (_, index) => [`X-Flood-${index}`, "v".repeat(random.below(40))] as const
    ),
  "a strange user agent": (random) => [
    ["User-Agent", random.pick(["\u00e4\u00f6", "", "x".repeat(8_000), "curl/8", "%0d%0a"])]
  ],
  "a forged address": (random) => [["X-Forwarded-For", random.pick(["1.2.3.4", "::1, ::2", "x".repeat(999), ",,,,"])]],
  "a strange origin": (random) => [["Origin", random.pick(["null", "https://evil.example", "x", "https://[::1"])]],
  "an idempotency key": (random) => [["Idempotency-Key", random.pick(["k", "k".repeat(300), "\u00e9", "a b"])]],
  "a wrong token": (random) => [
    ["X-Widget-Token", random.pick(["", "hwt_", `hwt_${"A".repeat(43)}`, "x".repeat(4_000)])]
  ]
}

/** The names of all mutations. */
export const faults: ReadonlyArray<string> = [
  ...Object.keys(changes),
  ...Object.keys(mangles),
  ...Object.keys(headerChanges),
  "chunks",
  "too short",
  "too long"
]

const pathOf = (endpoint: Endpoint, target: Target, random: Random): string => {
  if (endpoint === "track") return "/v1/public/analytics/track"
  if (endpoint === "submit") return "/v1/public/forms/submit"
  const id = random.chance(0.9)
    ? target.instanceId
    : random.pick(["x", "%00", "..%2f..", "%ff", "a".repeat(4_000), target.websiteConfigId, "%7B%7D", "🙂"])
  return `/v1/public/widget/${encodeURI(id).replaceAll("%25", "%")}/chat`
}

/** The next request. About half of them are valid. */
export const make = (random: Random, target: Target, mark: string): Request => {
  const endpoint = random.pick(["track", "submit", "submit", "track", "chat"] as const)
  const { properties, required = [] } = modelOf[endpoint]
  const id = endpoint === "track" ? target.trackingToken : target.websiteConfigId
  let members: ReadonlyArray<Member> = Object.entries(properties)
    .filter(([name]) => required.includes(name) || random.chance(0.6))
    .map(([name, shape]) => [JSON.stringify(name), valid(shape, random, id)] as const)
  // Marks the request, so that its row can be found.
  if (endpoint === "track")
    members = [...members.filter(([key]) => key !== '"session_id"'), ['"session_id"', JSON.stringify(mark)]]
  const faults: Array<string> = []
  let headers: Array<readonly [string, string]> = [["Content-Type", "application/json"]]
  if (endpoint === "chat") headers.push(["X-Widget-Token", target.widgetToken])

  if (random.chance(0.35)) {
    const name = random.pick(Object.keys(changes))
    faults.push(name)
    members = changes[name]!(members, random)
  }
  let body: Buffer<ArrayBufferLike> = Buffer.from(join(members))
  let known: ReadonlyArray<Member> | undefined = members
  if (random.chance(0.12)) {
    const name = random.pick(Object.keys(mangles))
    faults.push(name)
    body = mangles[name]!(body, random)
    known = undefined
  }
  if (random.chance(0.15)) {
    const name = random.pick(Object.keys(headerChanges))
    faults.push(name)
    const added = headerChanges[name]!(random)
    const names = added.map(([header]) => header)
    headers = [...headers.filter(([header]) => !names.includes(header)), ...added]
  }
  const framing = random.chance(0.9) ? "length" : random.pick(["chunks", "chunks", "too short", "too long"] as const)
  if (framing !== "length") faults.push(framing)
  return {
    endpoint,
    path: pathOf(endpoint, target, random),
    headers,
    body,
    fault: faults.length === 0 ? "valid" : faults.join(", "),
    members: known,
    framing
  }
}

/** The bytes of a request on the wire, with `Connection: close`. */
export const encode = (request: Request): Buffer => {
  const { body, framing, headers, path } = request
  const lines = [
    `POST ${path} HTTP/1.1`,
    "Host: edge",
    "Connection: close",
    ...(headers.some(([name]) => name === "User-Agent") ? [] : ["User-Agent: Mozilla/5.0 Firefox/143.0"]),
    ...headers.map(([name, value]) => `${name}: ${value}`)
  ]
  const head = (length: string) => Buffer.from(`${[...lines, length].join("\r\n")}\r\n\r\n`, "latin1")
  if (framing === "chunks") {
    const middle = body.length >> 1
    const chunk = (bytes: Buffer) =>
      bytes.length === 0
        ? Buffer.alloc(0)
        : Buffer.concat([Buffer.from(`${bytes.length.toString(16)};name="a value"\r\n`), bytes, Buffer.from("\r\n")])
    return Buffer.concat([
      head("Transfer-Encoding: chunked"),
      chunk(body.subarray(0, middle)),
      chunk(body.subarray(middle)),
      Buffer.from("0\r\nX-Trailer: yes\r\n\r\n")
    ])
  }
  const length = framing === "too short" ? body.length >> 1 : framing === "too long" ? body.length + 10 : body.length
  return Buffer.concat([head(`Content-Length: ${length}`), body])
}
