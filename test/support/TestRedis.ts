/**
 * A Redis or Valkey server for a test, from PATH, on a free loopback port, without persistence. It can be killed, frozen,
 * and started again on the same port.
 *
 * @module
 */
import { type ChildProcess, spawn } from "node:child_process"
import { accessSync, constants } from "node:fs"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import path from "node:path"
import { describe, it } from "@effect/vitest"
import { Effect, Redacted, type Scope } from "effect"
import { RedisClient } from "redis"
import * as Ports from "./Ports.ts"

const config = { RESP: 2 } as const

const executable = (process.env["PATH"] ?? "")
  .split(path.delimiter)
  .flatMap((folder) => ["redis-server", "valkey-server"].map((name) => path.join(folder, name)))
  .find((file) => {
    try {
      accessSync(file, constants.X_OK)
      return true
    } catch {
      return false
    }
  })

const installation =
  "needs redis-server or valkey-server on PATH: apt-get install redis-server, brew install valkey, or nix develop"

/**
 * Declares tests that need a server. Without one they are skipped, and their name says what to install; in CI they fail, since
 * skipped tests go unnoticed there.
 */
export const describeWithRedis = (name: string, tests: () => void): void => {
  if (executable !== undefined) describe(name, tests)
  else if (process.env["CI"] === "true") it(name, () => Promise.reject(new Error(installation)))
  else describe.skip(`${name} (${installation})`, tests)
}

export interface TestRedis {
  readonly url: Redacted.Redacted
  readonly port: number
  /** Starts the server on its port: the first time, or again after `kill`. */
  readonly start: Effect.Effect<void>
  /** Kills the server, as a crash does. */
  readonly kill: Effect.Effect<void>
  /** Stops the process: connections stay open without responses. */
  readonly freeze: Effect.Effect<void>
  /** Resumes a frozen process. */
  readonly thaw: Effect.Effect<void>
  /** Sends one command over a new connection. */
  readonly send: (...command: ReadonlyArray<string>) => Effect.Effect<unknown>
}

/** Starts the server and waits until it accepts connections. */
const launch = (args: ReadonlyArray<string>) =>
  new Promise<ChildProcess>((resolve, reject) => {
    const server = spawn(executable ?? "redis-server", args, { stdio: ["ignore", "pipe", "inherit"] })
    const orphaned = () => server.kill("SIGKILL")
    process.once("exit", orphaned)
    let output = ""
    server.stdout.setEncoding("utf8").on("data", (text: string) => {
      output = (output + text).slice(-10_000)
      if (/Ready to accept connections|\+monitor master/.test(output)) resolve(server)
    })
    server.once("error", reject)
    server.once("exit", () => {
      process.off("exit", orphaned)
      reject(new Error(`The server ended before it was ready: ${output}`))
    })
  })

/** A server with these options that is not started yet. It stops when the scope closes. */
export const makeWith = Effect.fnUntraced(function* (options: {
  readonly args?: ReadonlyArray<string>
  /** The configuration of a Sentinel, without its port. */
  readonly sentinel?: string
}): Effect.fn.Return<TestRedis, never, Scope.Scope> {
  const folder = yield* Effect.acquireRelease(
    Effect.promise(() => mkdtemp(path.join(tmpdir(), "hydracore-redis-"))),
    (folder) => Effect.promise(() => rm(folder, { recursive: true, force: true }))
  )
  const port = yield* Ports.free
  const url = `redis://127.0.0.1:${port}`
  const file = path.join(folder, "sentinel.conf")
  const args = ["--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder]
  let server: ChildProcess | undefined

  const kill = Effect.promise(
    () =>
      new Promise<void>((resolve) => {
        if (server === undefined || server.exitCode !== null || server.signalCode !== null) return resolve()
        server.once("exit", () => resolve())
        server.kill("SIGKILL")
      })
  )
  yield* Effect.addFinalizer(() => kill)

  const signal = (name: NodeJS.Signals) =>
    Effect.sync(() => {
      server?.kill(name)
    })

  return {
    url: Redacted.make(url),
    port,
    start: Effect.promise(async () => {
      // A Sentinel keeps its state in its configuration.
      if (options.sentinel !== undefined && server === undefined) await writeFile(file, options.sentinel)
      server = await launch(
        options.sentinel === undefined
          ? [...args, "--save", "", "--appendonly", "no", ...(options.args ?? [])]
          : [file, "--sentinel", ...args]
      )
    }),
    kill,
    freeze: signal("SIGSTOP"),
    thaw: signal("SIGCONT"),
    send: (...command) =>
      Effect.promise(async () => {
        // `createClient` would make a class for each URL, which takes 20 ms.
        const client = RedisClient.factory(config)({ url, ...config, socket: { reconnectStrategy: false } })
        client.on("error", () => {})
        await client.connect()
        try {
          return await client.sendCommand(command)
        } finally {
          client.destroy()
        }
      })
  }
})

/** A server that is not started yet. */
export const make: Effect.Effect<TestRedis, never, Scope.Scope> = makeWith({})

/** A running server. */
export const started: Effect.Effect<TestRedis, never, Scope.Scope> = Effect.tap(make, (redis) => redis.start)
