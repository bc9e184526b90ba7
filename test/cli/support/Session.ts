/**
 * A session of commands on one storage.
 *
 * @module
 */
import { assert } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { run } from "../../support/TestCli.ts"
import { onPostgres } from "../../support/TestStorage.ts"

export const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** An id that nothing has. */
export const unknown = "11111111-2222-4333-8444-555555555555"

/**
 * Commands that share one storage. `text` returns the result of a command, `json` the parsed output of one that succeeds, and
 * `refusal` the error of one that fails.
 */
export const session = Effect.gen(function* () {
  const context = yield* Layer.build(onPostgres)
  const services = Layer.succeedContext(context)
  const text = (...args: ReadonlyArray<string>) => run(args, services)
  const json = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const ended = yield* run([...args, "--json"], services)
    assert.deepStrictEqual({ code: ended.code, stderr: ended.stderr }, { code: 0, stderr: "" })
    return JSON.parse(ended.stdout)
  })
  const refusal = Effect.fnUntraced(function* (...args: ReadonlyArray<string>) {
    const ended = yield* run(args, services)
    assert.deepStrictEqual({ code: ended.code, stdout: ended.stdout }, { code: 1, stdout: "" })
    return ended.stderr
  })
  return { context, json, refusal, text }
})
