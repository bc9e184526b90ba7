/**
 * How many idle chat streams one process can hold, and how much memory they use.
 *
 * @module
 */
import { execFileSync } from "node:child_process"
import path from "node:path"
import { Effect } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as ChatFixture from "./ChatFixture.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names } from "./Measure.ts"
import * as Program from "./Program.ts"
import type * as TestBed from "./TestBed.ts"

/** The file descriptor limit of a child process. */
const descriptorLimit = (): number => {
  const text = execFileSync("/bin/sh", ["-c", "ulimit -n"], { encoding: "utf8" }).trim()
  return text === "unlimited" ? Number.POSITIVE_INFINITY : Number(text)
}

/** Descriptors that the service needs besides its streams: files, the pool, the listener. */
const reservedDescriptors = 200

/** How many descriptors the pool may open meanwhile. They do not count as lost. */
const tolerance = 16

/** Opens `goal` idle streams, or as many as the descriptor limit allows: each takes two descriptors of the service. */
export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, goal: number) {
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const agent = yield* ChatFixture.startAgent(testBed)
      const chat = yield* ChatFixture.createWidget(testBed, edge, agent.port)
      const port = yield* Ports.free
      // All streams belong to one instance, whose share of the process is limited by default.
      const settings = { CHAT_STREAMS_PER_INSTANCE: String(goal) }
      const server = yield* Edge.serve(testBed, edge, port, { settings })
      yield* ChatFixture.verify(names.edge, port, chat)
      const before = Program.descriptorsOf(server.pid)
      const possible = Math.min(goal, Math.floor((descriptorLimit() - reservedDescriptors) / 2))
      const [held, memory] = yield* Effect.scoped(
        Effect.gen(function* () {
          const client = yield* Program.start(testBed.folder, {
            name: "hold-streams",
            file: process.execPath,
            args: [
              path.join(ChatFixture.programs, "HoldStreams.ts"),
              ...[String(port), chat.path, chat.token, String(possible)]
            ]
          })
          const readHeld = async () => /^HELD (\d+)$/m.exec(client.output())?.[1]
          const held = yield* Program.awaitState(client, "all streams were open", readHeld, {
            everyMillis: 200,
            deadlineMillis: 180_000
          })
          return [Number(held), Program.memoryOf(server.pid)] as const
        })
      )
      // The client has exited, and the service finds out stream by stream.
      const hasClosed = async () => (Program.descriptorsOf(server.pid) <= before + tolerance ? true : undefined)
      yield* Program.awaitState(server, "it closed the streams", hasClosed, {
        everyMillis: 200,
        deadlineMillis: 60_000
      }).pipe(Effect.catchTag("BenchError", () => Effect.succeed(false)))
      const lost = Math.max(0, Program.descriptorsOf(server.pid) - before - tolerance)
      console.error(
        `${held} of ${goal} streams open (${possible} possible here), ${Math.round(memory)} MB; ${lost} descriptors lost`
      )
      const measures: ReadonlyArray<Measure> = [
        {
          id: "streams",
          title: `Open idle chat streams (the descriptor limit allows ${possible})`,
          unit: "streams",
          rows: [
            { contender: "held", samples: [held] },
            { contender: "wanted", samples: [possible] }
          ]
        },
        {
          id: "streams-memory",
          title: `Memory with ${held} open chat streams`,
          unit: "MB",
          rows: [{ contender: names.edge, samples: [memory] }]
        },
        {
          id: "streams-lost",
          title: "Descriptors that stay open after the streams ended",
          unit: "descriptors",
          rows: [{ contender: names.edge, samples: [lost] }]
        }
      ]
      return measures
    })
  )
})
