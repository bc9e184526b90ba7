import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as EmbeddedCluster from "../../../../src/platform/postgres/embedded/EmbeddedCluster.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(path.join(tmpdir(), "hydracore-postmaster-"))),
  (created) => Effect.sync(() => rmSync(created, { recursive: true, force: true }))
)

/** A process of PostgreSQL, as its command line says. */
const server = (data: string) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      spawn("sh", ["-c", "read line", "-D", data], { argv0: "postgres", stdio: ["pipe", "ignore", "ignore"] })
    ),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

it.effect(
  "platform/postgres/embedded/EmbeddedCluster: only a server of the folder gets a signal, and no other server that got its id",
  () =>
    Effect.gen(function* () {
      const data = yield* folder
      for (const [serverData, signal] of [
        ["/var/lib/other/data", null],
        [data, "SIGINT"]
      ] as const) {
        const child = yield* server(serverData)
        const signalled = new Promise<string | null>((resolve) => child.once("exit", (_, name) => resolve(name)))
        writeFileSync(path.join(data, "postmaster.pid"), [child.pid, data, 1, 5432, "", "", "", "ready"].join("\n"))
        const waiting = yield* Effect.forkChild(Effect.exit(EmbeddedCluster.awaitGone(data)))
        yield* TestClock.adjust("10 seconds")
        if (signal !== null) assert.strictEqual(yield* Effect.promise(() => signalled), signal)
        yield* TestClock.adjust("60 seconds")
        const exit = yield* Fiber.join(waiting)
        assert.strictEqual(exit._tag, signal === null ? "Failure" : "Success")
        assert.deepStrictEqual([child.exitCode, child.signalCode], [null, signal])
      }
    }).pipe(Effect.scoped)
)
