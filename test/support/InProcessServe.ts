/**
 * `serve` in the test's process, on the database of `DATABASE_URL`, because starting a process takes ten times the processor
 * time.
 *
 * @module
 */
import { ConfigProvider, Effect, Exit, Layer, Logger, Option, Scope } from "effect"
import { HttpServer } from "effect/http"
import { Settings } from "../../src/Config.ts"
import * as Serve from "../../src/cli/commands/Serve.ts"
import * as LocalDatabase from "../../src/cli/support/LocalDatabase.ts"
import * as Process from "./Process.ts"
import * as TestMetrics from "./TestMetrics.ts"

export interface Served extends Process.Serving {
  /** The URL of the owner API, if it has its own port. */
  readonly owner: string | undefined
}

/** Starts `serve`, and waits until it serves. When the scope closes, `serve` ends as after SIGTERM. */
export const start = (env: Readonly<Record<string, string>>): Effect.Effect<Served, never, Scope.Scope> =>
  Effect.gen(function* () {
    const settings = yield* Settings.parse(ConfigProvider.fromUnknown({ ...Process.defaults, ...env }))
    const lines: Array<string> = []
    const logs = Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])
    const scope = yield* Scope.fork(yield* Effect.scope)
    const { address, owner } = yield* Serve.service(
      settings,
      Option.getOrThrow(LocalDatabase.configured(settings))
    ).pipe(Effect.provide(Layer.merge(logs, TestMetrics.make().layer)), Scope.provide(scope))
    const url = HttpServer.formatAddress(address)
    return {
      url,
      port: Number(new URL(url).port),
      owner: Option.getOrUndefined(Option.map(owner, HttpServer.formatAddress)),
      output: () => lines.join("\n"),
      end: Scope.close(scope, Exit.void)
    }
  }).pipe(Effect.orDie)
