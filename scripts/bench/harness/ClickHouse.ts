/**
 * Starts ClickHouse for the bench, and runs statements in it.
 *
 * @module
 */
import path from "node:path"
import { Effect, Option, Schema } from "effect"
import * as Program from "./Program.ts"
import type * as TestBed from "./TestBed.ts"

const file = path.resolve(import.meta.dirname, "../programs/ClickHouse.ts")

export interface ClickHouse {
  readonly program: Program.Program
  /** The settings that make a process store page views in this ClickHouse. */
  readonly settings: { readonly ANALYTICS_URL: string }
}

const Address = Schema.fromJsonString(Schema.Struct({ url: Schema.String }))

/** Starts ClickHouse with empty tables; it is stopped with the scope. Fails if the engine is not installed. */
export const start = Effect.fnUntraced(function* (testBed: TestBed.TestBed) {
  const program = yield* Program.start(testBed.folder, { name: "clickhouse", file: process.execPath, args: [file] })
  const { url } = yield* Program.awaitState(
    program,
    "its tables existed (scripts/clickhouse installs the engine)",
    async () => Option.getOrUndefined(Schema.decodeUnknownOption(Address)(program.output().trim().split("\n").at(-1))),
    { everyMillis: 50, deadlineMillis: 60_000 }
  )
  return { program, settings: { ANALYTICS_URL: url } } satisfies ClickHouse
})

/** Runs a statement and returns its output. */
export const run = ({ settings }: ClickHouse, statement: string) =>
  Effect.tryPromise({
    try: async () => {
      const { hostname, password, pathname, port, username } = new URL(settings.ANALYTICS_URL)
      const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")
      const response = await fetch(`http://${hostname}:${port}/?database=${pathname.slice(1)}`, {
        method: "POST",
        headers: { authorization: `Basic ${login}` },
        body: statement
      })
      const text = await response.text()
      if (response.status !== 200) throw new Error(text)
      return text.trim()
    },
    catch: (cause) => new Program.BenchError({ message: `ClickHouse: ${cause}` })
  })
