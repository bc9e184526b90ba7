/**
 * Ways to break a valid request: its members, its bytes and its headers.
 *
 * @module
 */
import { gzipSync } from "node:zlib"
import type { Random } from "./Random.ts"
import { anyJson, numbers, strings } from "./Values.ts"

/** A member of a JSON object: name and value as JSON text. */
export type Member = readonly [key: string, value: string]

const deep = (times: number, [open, close]: readonly [string, string]) => `${open.repeat(times)}1${close.repeat(times)}`

type Change = (members: ReadonlyArray<Member>, random: Random) => ReadonlyArray<Member>

const replaceOne =
  (value: (random: Random) => string): Change =>
  (members, random) => {
    const which = random.below(members.length)
    return members.map(([key, old], index) => [key, index === which ? value(random) : old] as const)
  }

/** Mutations of a body's members; the body stays valid JSON. */
export const changes: Readonly<Record<string, Change>> = {
  "any JSON instead": replaceOne((random) => anyJson(random)),
  "a strange text": replaceOne((random) => JSON.stringify(random.pick(strings))),
  "a strange number": replaceOne((random) => random.pick(numbers)),
  "a very long text": replaceOne((random) => JSON.stringify("é".repeat(random.pick([2_049, 8_001, 60_000])))),
  "nested 100,000 deep": replaceOne((random) =>
    deep(100_000, random.pick([["[", "]"] as const, ['{"a":', "}"] as const]))
  ),
  "nested 90 deep": replaceOne(() => deep(90, ["[", "]"])),
  "a member twice": (members, random) => [...members, random.pick(members)],
  "a member twice with another value": (members, random) => [...members, [random.pick(members)[0], anyJson(random)]],
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
export const byteChanges: Readonly<Record<string, (body: Buffer, random: Random) => Buffer>> = {
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
  "any JSON as the body": (_, random) => Buffer.from(anyJson(random)),
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
export const headerChanges: Readonly<Record<string, (random: Random) => ReadonlyArray<readonly [string, string]>>> = {
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

/** The names of all mutations, and of the framings of `Requests` other than `length`. */
export const faults: ReadonlyArray<string> = [
  ...Object.keys(changes),
  ...Object.keys(byteChanges),
  ...Object.keys(headerChanges),
  "chunks",
  "too short",
  "too long"
]
