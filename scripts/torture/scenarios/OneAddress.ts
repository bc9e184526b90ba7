/**
 * One IP address floods the server with each kind of flood in turn, while visitors with other addresses are served. A bare
 * `node:http` server gets the same floods, for comparison.
 *
 * @module
 */
import assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { Agent, request } from "node:http"
import path from "node:path"
import { Effect, type Scope } from "effect"
import * as Process from "../../../test/support/Process.ts"
import { pause, until } from "../../../test/support/Wait.ts"
import * as Cluster from "../Cluster.ts"
import { floods } from "../Floods.ts"
import { browser, type Target } from "../Load.ts"
import * as Store from "../Store.ts"
import { type Figures, rounded } from "./Figures.ts"

const programs = path.resolve(import.meta.dirname, "../programs")

const program = (name: string, ...args: ReadonlyArray<string>): Effect.Effect<ChildProcess, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn(process.execPath, [path.join(programs, name), ...args], { stdio: ["ignore", "pipe", "inherit"] })
    ),
    (child) =>
      Effect.promise(
        () =>
          new Promise<void>((resolve) => {
            if (child.exitCode !== null || child.signalCode !== null) return resolve()
            child.once("exit", () => resolve())
            child.kill("SIGKILL")
          })
      )
  )

const startBare = Effect.fnUntraced(function* () {
  const child = yield* program("bare.ts")
  let output = ""
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output += text
  })
  return yield* until("the bare server listens", () => /:(\d+)\s/.exec(output)?.[1]).pipe(Effect.map(Number))
})

/** A visitor's timeout, in milliseconds. */
const timeout = 10_000

let visitorCount = 0

/** Sends a page view from a visitor's own address; returns the response time in milliseconds, and the status if any. */
const visit = (
  port: number,
  target: Target
): Promise<{ readonly millis: number; readonly status: number | undefined }> =>
  new Promise((resolve) => {
    const body = JSON.stringify({ site_id: target.trackingToken, page_path: "/visitor" })
    const begun = performance.now()
    const number = ++visitorCount
    const localAddress = `127.1.${(number >> 8) & 255}.${number & 255}`
    const end = (status: number | undefined) => resolve({ millis: performance.now() - begun, status })
    const sent = request(
      {
        agent: new Agent({ keepAlive: false }),
        host: "127.0.0.1",
        port,
        localAddress,
        method: "POST",
        path: "/v1/public/analytics/track",
        headers: { "content-type": "application/json", "user-agent": browser, "content-length": body.length }
      },
      (response) => {
        response
          .resume()
          .on("end", () => end(response.statusCode))
          .on("error", () => end(undefined))
      }
    )
    sent.setTimeout(timeout, () => sent.destroy())
    sent.on("error", () => end(undefined))
    sent.end(body)
  })

export interface ResponseTimes {
  readonly p50: number
  readonly p99: number
  /** The number of visitors without a 204. */
  readonly failed: number
}

/** Sends a page view of a new visitor every 20 ms for `millis`, and waits for all responses. */
export const visits = (port: number, target: Target, millis: number): Effect.Effect<ResponseTimes> =>
  Effect.promise(async () => {
    const sent: Array<ReturnType<typeof visit>> = []
    const timer = setInterval(() => sent.push(visit(port, target)), 20)
    await new Promise((resolve) => setTimeout(resolve, millis))
    clearInterval(timer)
    const all = await Promise.all(sent)
    const waits = all.map((one) => one.millis).sort((a, b) => a - b)
    const at = (share: number) => waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? Number.NaN
    return { p50: at(0.5), p99: at(0.99), failed: all.filter(({ status }) => status !== 204).length }
  })

/** Measures visitors' response times during a flood, and the most resident memory, in MiB, that `gauge` reports. */
const measureDuring = (port: number, target: Target, name: string, millis: number, gauge: Process.Process["gauge"]) =>
  Effect.gen(function* () {
    yield* program("flood.ts", String(port), name, JSON.stringify(target))
    let memory = 0
    const watch = setInterval(() => {
      memory = Math.max(memory, gauge()?.rss ?? 0)
    }, 50)
    yield* Effect.addFinalizer(() => Effect.sync(() => clearInterval(watch)))
    // Waits until the flood has ramped up.
    yield* pause(1_000)
    return { ...(yield* visits(port, target, millis)), memory }
  }).pipe(Effect.scoped)

const format = ({ failed, p50, p99 }: ResponseTimes): string =>
  `${rounded(p50)}/${rounded(p99)}${failed === 0 ? "" : ` (${failed} failed)`}`

export interface Options {
  /** Runs only the floods whose name contains this. */
  readonly only?: string
  /** The duration of each measurement, in milliseconds. */
  readonly millis: number
  /** The limit for the visitors' 99th percentile, in milliseconds. */
  readonly p99: number
  /** The limit for the process's resident memory, in MiB. */
  readonly memory: number
  /** Receives each flood's figures as soon as they are measured. */
  readonly onFigures?: (text: string) => void
}

/**
 * The figures are the median and the 99th percentile of the visitors' response times, with our and with the bare server, and the
 * peak of our process's memory.
 */
export const oneAddress = Effect.fnUntraced(function* (options: Options) {
  const { memory, millis, onFigures = () => {}, only = "", p99 } = options
  const cluster = yield* Cluster.make()
  const target = yield* Store.prepare(cluster.url)
  const limits = { RATE_LIMIT_ANALYTICS: "100/minute", RATE_LIMIT_FORMS: "10/minute", RATE_LIMIT_CHAT: "20/minute" }
  const figures: Record<string, string> = {}
  const slow: Array<string> = []
  for (const name of Object.keys(floods(target))) {
    if (!name.includes(only)) continue
    const ours = yield* Effect.scoped(
      Effect.gen(function* () {
        const service = yield* Process.start("serve", { DATABASE_URL: cluster.url, ...limits })
        return yield* measureDuring(service.port, target, name, millis, service.gauge)
      })
    )
    figures[name] = `${format(ours)}, ${rounded(ours.memory)} MiB`
    if (!process.env["NOBARE"]) {
      const bare = yield* Effect.scoped(
        Effect.flatMap(startBare(), (port) => measureDuring(port, target, name, millis, () => undefined))
      )
      figures[name] += `, bare ${format(bare)}`
    }
    onFigures(`${name}: ${figures[name]}`)
    if (!(ours.p99 < p99) || !(ours.memory < memory) || ours.failed > 0) slow.push(`${name}: ${figures[name]}`)
  }
  assert.deepEqual(slow, [], "floods that hold up the visitors")
  return figures satisfies Figures
}, Effect.scoped)
