/**
 * A metric registry for one test, and its samples in Prometheus's format.
 *
 * @module
 */
import { spawnSync } from "node:child_process"
import { existsSync } from "node:fs"
import path from "node:path"
import { it } from "@effect/vitest"
import { Context, type Effect, Layer, Metric } from "effect"
import { render } from "../../src/platform/telemetry/MetricsServer.ts"
import * as Snapshot from "../../src/platform/telemetry/Snapshot.ts"

/** Prometheus's samples: each line without its value, and the value. */
export const samplesOf = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))])
  )

export const make = (registry: Metric.MetricRegistry = new Map()) => {
  const context = Context.make(Metric.MetricRegistry, registry)
  const text = () => render(Snapshot.take(context))
  return {
    context,
    layer: Layer.succeed(Metric.MetricRegistry, registry),
    text,
    /** The value of a sample, named as in `text` but without `hydracore_`. */
    value: (sample: string) => samplesOf(text()).get(`hydracore_${sample}`)
  }
}

const promtool = (process.env["PATH"] ?? "")
  .split(path.delimiter)
  .map((folder) => path.join(folder, "promtool"))
  .find((file) => existsSync(file))

/** The findings of `promtool check metrics`; undefined without promtool. */
export const lint = (text: string): string | undefined => {
  if (promtool === undefined) return undefined
  const { status, stderr, stdout } = spawnSync(promtool, ["check", "metrics"], { input: text, encoding: "utf8" })
  return status === 0 ? "" : `${stdout}${stderr}`
}

/** A test that needs promtool. Without it the test is skipped, and its name says what to install; in CI it fails. */
export const withPromtool = (name: string, test: () => Effect.Effect<void>): void => {
  const missing = "needs promtool: apt-get install prometheus, brew install prometheus"
  if (promtool !== undefined) it.live(name, test)
  else if (process.env["CI"] === "true") it(name, () => Promise.reject(new Error(missing)))
  else it.skip(`${name} (${missing})`, () => {})
}
