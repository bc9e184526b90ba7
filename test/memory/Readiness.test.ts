import { it } from "@effect/vitest"
import { Effect } from "effect"
import { layer } from "../../src/memory/Readiness.ts"
import { Readiness } from "../../src/services/Readiness.ts"

it.effect("memory/Readiness: a process that keeps everything itself is ready", () =>
  Effect.flatMap(Readiness, (readiness) => readiness.check).pipe(Effect.provide(layer))
)
