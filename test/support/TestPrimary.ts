/**
 * A primary whose workers behave as a test specifies.
 *
 * @module
 */
import { fork } from "node:child_process"
import { mkdirSync, renameSync, writeFileSync } from "node:fs"
import { Agent } from "node:http"
import path from "node:path"
import { Duration, Effect, Exit, Logger, Option, Schema } from "effect"
import { build } from "esbuild"
import { get } from "../../scripts/torture/Load.ts"
import * as Primary from "../../src/platform/cluster/Primary.ts"
import { layerMemory } from "../../src/platform/limits/RateLimit.ts"
import type { Snapshot } from "../../src/platform/telemetry/Snapshot.ts"
import * as ProcessTree from "./ProcessTree.ts"
import * as TestMetrics from "./TestMetrics.ts"

/**
 * `fixtures/worker.ts` with its imports in one file, which needs a quarter of the processor time to start. A rename replaces the
 * whole file at once, because another test run may be starting it.
 */
const bundled: Effect.Effect<string> = Effect.runSync(
  Effect.cached(
    Effect.promise(async () => {
      const { outputFiles } = await build({
        entryPoints: [path.join(import.meta.dirname, "fixtures/worker.ts")],
        bundle: true,
        platform: "node",
        format: "esm",
        write: false
      })
      const cache = path.resolve(import.meta.dirname, "../../node_modules/.cache")
      const file = path.join(cache, "test-worker.mjs")
      const draft = path.join(cache, `test-worker.${process.pid}.mjs`)
      mkdirSync(cache, { recursive: true })
      writeFileSync(draft, outputFiles[0]!.contents)
      renameSync(draft, file)
      return file
    })
  )
)

/** How a worker behaves. `fork-throws` and `fork-emits-error` make `fork` fail; `fixtures/worker.ts` implements the others. */
type Behaviour = "serves" | "fails" | "dies" | "delays" | "stays" | "fork-throws" | "fork-emits-error"

const WorkerAnswer = Schema.fromJsonString(
  Schema.Struct({ pid: Schema.Int, slot: Schema.Int, from: Schema.String, isDraining: Schema.Boolean })
)

/** Starts a primary. `behave` returns the behaviour of the `nth` worker that the primary starts, counted from 1. */
export const make = Effect.fnUntraced(function* (options: {
  readonly workers: number
  readonly behave?: (nth: number) => Behaviour
  readonly startTimeoutMillis?: number
  readonly endTimeoutMillis?: number
  readonly port?: number
}) {
  const { behave = () => "serves", endTimeoutMillis = 20_000, port = 0, startTimeoutMillis = 20_000, workers } = options
  const file = yield* bundled
  const lines: Array<string> = []
  const pids: Array<number> = []
  const logs = Logger.layer([
    Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${JSON.stringify(message)}`))
  ])
  const primary = yield* Primary.start({
    workers,
    addresses: [{ host: "127.0.0.1", port }],
    fork: (slot, sockets) => {
      const behaviour = behave(pids.length + 1)
      if (behaviour === "fork-throws") {
        pids.push(0)
        throw Object.assign(new Error("spawn ENOMEM"), { code: "ENOMEM" })
      }
      const child = fork(file, [String(slot), behaviour], {
        stdio: ["inherit", "inherit", "inherit", "ipc", ...sockets],
        // Those of the process that runs the tests load more code and take more memory.
        execArgv: [],
        ...(behaviour === "fork-emits-error" ? { execPath: path.join(import.meta.dirname, "no-such-program") } : {})
      })
      pids.push(child.pid ?? 0)
      return child
    },
    startTimeout: Duration.millis(startTimeoutMillis),
    endTimeout: Duration.millis(endTimeoutMillis)
  }).pipe(Effect.provide([layerMemory({ maxKeys: 10 }), TestMetrics.make().layer, logs]), Effect.exit)
  const agent = new Agent({ keepAlive: false })
  const url = (pathname: string) =>
    `http://127.0.0.1:${Option.getOrThrow(Exit.getSuccess(primary)).addresses[0]?.port}${pathname}`
  /** Sends a request on a new connection; returns which worker answered. */
  const ask = Effect.suspend(() => Effect.promise(() => get(agent, url("/pid")))).pipe(
    Effect.flatMap(({ body }) => Schema.decodeUnknownEffect(WorkerAnswer)(body)),
    Effect.orDie
  )
  const askOften = Effect.all(
    Array.from({ length: 20 }, () => ask),
    { concurrency: 10 }
  )
  return { primary, pids, lines, logs, ask, askOften }
})

/** Like `make`, for a primary whose start must succeed. */
export const started = (options: Parameters<typeof make>[0]) =>
  Effect.map(make(options), ({ logs, primary, ...rest }) => {
    const { drain, replaceAll, snapshot } = Option.getOrThrow(Exit.getSuccess(primary))
    return { ...rest, drain, snapshot, replaceAll: Effect.provide(replaceAll, logs) }
  })

/** Returns a check whether all of these processes have ended. */
export const ended = (pids: ReadonlyArray<number>) => () => pids.every((pid) => !ProcessTree.isAlive(pid))

/** The sum of all series of a metric, whose name is given without the prefix `hydracore_`. */
export const valueOf = (snapshot: Snapshot, name: string): number =>
  snapshot
    .filter(({ id }) => id === `hydracore_${name}`)
    .map((series) =>
      series.type === "Counter" ? series.state.count : series.type === "Gauge" ? series.state.value : Number.NaN
    )
    .reduce((sum: number, value) => sum + Number(value), 0)
