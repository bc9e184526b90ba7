/**
 * The time of the list of websites: 100 of them, each with its visitors of yesterday and of the day before.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "./Edge.ts"
import type { Row } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as Program from "./Program.ts"
import type * as TestBed from "./TestBed.ts"

const Key = Schema.fromJsonString(Schema.Struct({ key: Schema.String }))

const Answer = Schema.fromJsonString(Schema.Struct({ sites: Schema.Array(Schema.Unknown) }))

/** Issues a key for all websites. */
export const issueKey = (testBed: TestBed.TestBed, edge: Edge.Edge) =>
  Edge.command(testBed, edge.root, edge.database, ["key", "issue", "--all-sites"]).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Key)),
    Effect.mapBoth({
      onSuccess: ({ key }) => key,
      onFailure: ({ message }) => new Program.BenchError({ message })
    })
  )

const ask = (port: number, key: string) =>
  Effect.tryPromise({
    try: async () => {
      const response = await fetch(`http://127.0.0.1:${port}/v1/owner/attention?limit=100`, {
        headers: { authorization: `Bearer ${key}` }
      })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`${response.status} ${text}`)
      return Schema.decodeUnknownSync(Answer)(text).sites.length
    },
    catch: (cause) => new Program.BenchError({ message: `the list of websites failed: ${cause}` })
  })

/** The first list of a process, and those after it. `storePids` are the processes of the databases. */
export const measure = (
  testBed: TestBed.TestBed,
  edge: Edge.Edge,
  contender: string,
  rounds: number,
  {
    settings = {},
    storePids = [testBed.postmaster]
  }: { readonly settings?: Readonly<Record<string, string>>; readonly storePids?: ReadonlyArray<number> } = {}
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const key = yield* issueKey(testBed, edge)
      const port = yield* Ports.free
      const program = yield* Edge.serve(testBed, edge, port, {
        settings: { OWNER_API: "on", RATE_LIMIT_OWNER: "off", ...settings }
      })
      const now = () => ({
        wall: performance.now(),
        own: ProcessorTime.read(program.pid),
        store: storePids.map(ProcessorTime.read).reduce((sum, time) => sum + time)
      })
      const listed = Effect.gen(function* () {
        const before = now()
        const websites = yield* ask(port, key)
        const after = now()
        const one = { wall: after.wall - before.wall, own: after.own - before.own, store: after.store - before.store }
        console.error(`list of ${websites} websites, ${contender}: ${JSON.stringify(one)}`)
        return one
      })
      const row = (name: string, samples: ReadonlyArray<Effect.Success<typeof listed>>): Row => ({
        contender: `${contender}, ${name}`,
        samples: samples.map(({ wall }) => wall),
        processorTime: { own: samples.map(({ own }) => own), store: samples.map(({ store }) => store) }
      })
      const first = yield* listed
      return [row("first", [first]), row("then", yield* Effect.forEach(Array.from({ length: rounds }), () => listed))]
    })
  )
