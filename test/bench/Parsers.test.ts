import { describe, expect, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Options from "./harness/Options.ts"
import * as Profile from "./harness/Profile.ts"
import * as Wrk from "./harness/Wrk.ts"
import { firstResponse, post } from "./programs/HttpWire.ts"

describe("the command line", () => {
  const run = (...args: ReadonlyArray<string>) => {
    const parsed = Options.parse(args)
    return parsed._tag === "Run" ? parsed.options : parsed
  }

  it("measures everything and writes the results by default", () => {
    expect(run()).toMatchObject({ parts: Options.parts, write: true, stored: 10_000_000 })
    expect(run("--quick")).toMatchObject({ parts: ["rates"], write: false, quick: true })
    expect(run("--only", "chat,rates")).toMatchObject({ parts: ["rates", "chat"], write: false })
    expect(run("--only", "chat", "--write")).toMatchObject({ write: true })
  })

  it("compares with a revision only in a quick run", () => {
    expect(run("--quick", "--against", "main")).toMatchObject({
      against: "main",
      endpoints: ["views", "forms", "chat"]
    })
    expect(run("--against", "main")).toMatchObject({ _tag: "Invalid" })
  })

  it("compares only the named endpoints", () => {
    expect(run("--quick", "--against", "main", "--endpoints", "chat,views")).toMatchObject({
      endpoints: ["views", "chat"]
    })
    expect(run("--quick", "--endpoints", "chat")).toMatchObject({ _tag: "Invalid" })
    expect(run("--quick", "--against", "main", "--endpoints", "docs")).toMatchObject({ _tag: "Invalid" })
  })

  it("rejects a revision that git would read as an option", () => {
    expect(run("--quick", "--against=--output=/etc/passwd")).toMatchObject({ _tag: "Invalid" })
    expect(run("--quick", "--against=main; rm -rf .")).toMatchObject({ _tag: "Invalid" })
  })

  it("rejects unknown names and numbers below 1", () => {
    expect(run("--only", "views")).toMatchObject({ _tag: "Invalid" })
    expect(run("--rounds", "0")).toMatchObject({ _tag: "Invalid" })
    expect(run("--fast")).toMatchObject({ _tag: "Invalid" })
  })
})

describe("wrk's result", () => {
  const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 1_000_000_000 }))

  it.prop("is found in wrk's output", [Count, Count], ([requests, micros]) => {
    const counts = { requests, micros, bytes: 1, refused: 0, broken: 0, p50: 1, p99: 2 }
    const result = Wrk.parseResult(`Running 4s test\nRequests/sec: 1.0\nRESULT ${JSON.stringify(counts)}\n`)
    expect(Option.map(result, Wrk.perSecond)).toEqual(Option.some((requests / micros) * 1e6))
  })

  it("is absent if wrk failed", () => {
    expect(Wrk.parseResult("unable to connect to 127.0.0.1:1 Connection refused\n")).toEqual(Option.none())
    expect(Wrk.parseResult('RESULT {"requests":"many"}')).toEqual(Option.none())
  })
})

describe("responses on a connection", () => {
  const empty = "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n"
  const json = 'HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{"a": "\r\n\r\n"}'
  const Cut = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: empty.length + json.length }))

  it.prop("are separated wherever the stream is cut", [Cut, Cut], ([a, b]) => {
    const stream = empty + json
    const cuts = [0, a, b, stream.length].toSorted((x, y) => x - y)
    let received = ""
    const statuses: Array<number> = []
    for (let index = 1; index < cuts.length; index++) {
      received += stream.slice(cuts[index - 1], cuts[index])
      for (let response = firstResponse(received); response !== undefined; response = firstResponse(received)) {
        statuses.push(response.status)
        received = received.slice(response.length)
      }
    }
    expect(statuses).toEqual([204, 200])
    expect(received).toBe("")
  })
})

describe("a request", () => {
  it.prop("declares its length in bytes and a client's address", [Schema.String], ([text]) => {
    const [head = "", body = ""] = post("/", JSON.stringify(text), 300).split("\r\n\r\n")
    expect(head).toContain(`Content-Length: ${Buffer.byteLength(body)}`)
    expect(head).toContain("X-Forwarded-For: 10.0.1.44")
  })
})

describe("a CPU profile", () => {
  const frame = (id: number, functionName: string, url = "", lineNumber = 0) => ({
    id,
    callFrame: { functionName, url, lineNumber }
  })
  const profile = JSON.stringify({
    nodes: [
      frame(1, "(idle)"),
      frame(2, "parse", "file:///checkout/src/core/Json.ts", 9),
      frame(3, "flatten", "file:///checkout/node_modules/effect/dist/Context.js", 4),
      frame(4, "parse", "file:///checkout/src/core/Json.ts", 9)
    ],
    samples: [1, 2, 3, 4, 1, 2],
    timeDeltas: [900, 10, 4000, 20, 900, 30]
  })

  it("gives each function's share of the busy samples, regardless of its callers and of the time between samples", () => {
    expect(Profile.selfTimes(profile)).toEqual(
      Option.some([
        { name: "parse", location: "src/core/Json.ts:10", share: 0.75 },
        { name: "flatten", location: "effect/dist/Context.js:5", share: 0.25 }
      ])
    )
  })

  it("adds up the functions of a file", () => {
    const times = [
      { name: "a", location: "src/a.ts:1", share: 0.25 },
      { name: "b", location: "src/a.ts:9", share: 0.25 },
      { name: "(garbage collector)", location: "", share: 0.5 }
    ]
    expect(Profile.byFile(times).map(({ name, share }) => [name, share])).toEqual([
      ["src/a.ts", 0.5],
      ["(garbage collector)", 0.5]
    ])
  })

  it("is none for other content", () => {
    expect(Profile.selfTimes("{}")).toEqual(Option.none())
    expect(Profile.selfTimes("not JSON")).toEqual(Option.none())
  })
})
