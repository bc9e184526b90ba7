/** The probes and periods of the guide's Deployment fit each other and the program. */
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Duration, Effect, Option } from "effect"
import { Settings } from "../../src/Config.ts"
import * as Documents from "./Documents.ts"

const deployment = Documents.onlyBlock("src/docs/containers.md", "yaml")

/** The variables of the container. */
const environment = Object.fromEntries(
  [...deployment.matchAll(/\{ name: (\w+), value: (.+?) \}/g)].map(([, name = "", value = ""]) => [name, value])
)

/** The lines of a probe. */
const probe = (name: string) => new RegExp(`${name}:\\n((?: {12}.*\\n?)+)`).exec(deployment)?.[1] ?? ""

const numberOf = (name: string, text = deployment): number =>
  Number(new RegExp(`${name}: (\\d+)`).exec(text)?.[1] ?? Number.NaN)

describe("containers: Kubernetes", () => {
  it("keeps the listener open for longer than the readiness probe takes, and leaves time to end", async () => {
    const settings = await Effect.runPromise(Settings.parse(ConfigProvider.fromUnknown(environment)))
    const drainDelay = Option.match(settings.drainDelay, { onNone: () => 0, onSome: Duration.toSeconds })
    const readiness = probe("readinessProbe")
    assert.isAbove(drainDelay, numberOf("periodSeconds", readiness) * numberOf("failureThreshold", readiness))
    // A worker may take six seconds after the grace period (`cli/commands/Serve`).
    assert.isAbove(
      numberOf("terminationGracePeriodSeconds"),
      drainDelay + Duration.toSeconds(settings.shutdownGrace) + 6
    )
  })

  it("restarts only what does not answer, and waits for a start that waits for the database", () => {
    assert.include(probe("readinessProbe"), "path: /readyz")
    assert.include(probe("livenessProbe"), "path: /healthz")
    const startup = probe("startupProbe")
    assert.include(startup, "path: /healthz")
    // `cli/commands/Serve` gives a worker a minute besides its wait for the database, which is ten seconds.
    assert.isAbove(numberOf("periodSeconds", startup) * numberOf("failureThreshold", startup), 70)
  })
})
