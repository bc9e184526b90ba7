/**
 * The Containerfile runs no command: apart from the base, the image is the files that it adds and the variables that it sets.
 * The test unpacks these files into a folder, starts the entry point there, and runs the health check. It builds no image.
 */
import { execFileSync, spawn } from "node:child_process"
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Option, Redacted } from "effect"
import manifest from "../../package.json" with { type: "json" }
import { Settings } from "../../src/Config.ts"
import * as Documents from "../docs/Documents.ts"
import * as Program from "../support/Program.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"

const folder = path.resolve(import.meta.dirname, "../../scripts/container")

/** The instructions, in their order. */
const instructions = readFileSync(path.join(folder, "Containerfile"), "utf8")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"))
  .map((line) => line.split(/ (.*)/s, 2) as [name: string, value: string])

const valuesOf = (name: string) =>
  instructions.filter(([instruction]) => instruction === name).map(([, value]) => value)
const valueOf = (name: string): string => valuesOf(name).at(-1) ?? ""
const listOf = (name: string): ReadonlyArray<string> => JSON.parse(valueOf(name).replace(/^.*?CMD (?=\[)/, ""))

const variables = Object.fromEntries(valuesOf("ENV").map((value) => value.split(/=(.*)/s, 2) as [string, string]))

/** Unpacks the archive as the image does. */
const unpacked = Effect.acquireRelease(
  Effect.map(Program.archive, (packed) => {
    const root = mkdtempSync(path.join(tmpdir(), "hydracore-image-"))
    chmodSync(root, 0o755)
    const [archive = "", target = ""] = valueOf("ADD").split(" ")
    assert.strictEqual(archive, "hydracore-edge.tgz")
    mkdirSync(path.join(root, target), { recursive: true })
    execFileSync("tar", ["-xzf", packed, "-C", path.join(root, target)])
    return root
  }),
  (root) => Effect.sync(() => rmSync(root, { recursive: true, force: true }))
)

describe("scripts/container", () => {
  it("has known instructions, a base with a supported Node, and a user without rights", () => {
    const known = ["ARG", "FROM", "ADD", "ENV", "EXPOSE", "STOPSIGNAL", "USER", "HEALTHCHECK", "ENTRYPOINT", "CMD"]
    for (const [name] of instructions) assert.include(known, name)
    assert.deepStrictEqual(
      instructions.slice(0, 2).map(([name]) => name),
      ["ARG", "FROM"]
    )
    const [, base] = /^BASE=node:([0-9]+)-/.exec(valueOf("ARG")) ?? []
    assert.isAbove(Number(base), Number(/[0-9]+/.exec(manifest.engines.node)?.[0]))
    const [user, group] = valueOf("USER").split(":").map(Number)
    assert.isAbove(user ?? 0, 1_000)
    assert.strictEqual(group, user)
  })

  it.live(
    "the unpacked archive serves, and the health check tells whether it does",
    () =>
      Effect.gen(function* () {
        const root = yield* unpacked
        // The image's user is not the owner of the files, so everyone must be able to read them.
        assert.strictEqual(
          statSync(path.join(root, valueOf("ADD").split(" ")[1] ?? "", "package/main.js")).mode & 0o444,
          0o444
        )
        const { url } = yield* TestDatabase.connection
        const [, ...entry] = listOf("ENTRYPOINT").map((part) => (part.startsWith("/") ? path.join(root, part) : part))
        const env = { ...variables, PORT: "0", PATH: process.env["PATH"], DATABASE_URL: Redacted.value(url) }
        let output = ""
        const server = yield* Effect.acquireRelease(
          Effect.sync(() => spawn(process.execPath, [...entry, ...listOf("CMD")], { cwd: "/", env })),
          (child) => Effect.sync(() => child.kill("SIGKILL"))
        )
        for (const stream of [server.stdout, server.stderr]) {
          stream.setEncoding("utf8").on("data", (text: string) => {
            output += text
          })
        }
        const port = yield* until("it listens", () => /Listening on http:\/\/0\.0\.0\.0:([0-9]+)/.exec(output)?.[1])
        const [, ...check] = listOf("HEALTHCHECK")
        const isHealthy = (at: string) => {
          try {
            execFileSync(process.execPath, check, { env: { ...env, PORT: at }, stdio: "ignore" })
            return true
          } catch {
            return false
          }
        }
        assert.isTrue(isHealthy(port))
        server.kill(valueOf("STOPSIGNAL") as NodeJS.Signals)
        yield* until("it has ended", () => server.exitCode !== null)
        assert.strictEqual(server.exitCode, 0)
        assert.isFalse(isHealthy(port))
      }).pipe(Effect.scoped),
    120_000
  )

  it("the compose file gives the service its stores, a console and the proxy's network, and these settings are valid", async () => {
    const text = readFileSync(path.join(folder, "compose.yaml"), "utf8")
    const lines = text.split("\n")
    const edge = lines.slice(lines.indexOf("  edge:"))
    const start = edge.indexOf("    environment:") + 1
    const settings = edge.slice(start, start + edge.slice(start).findIndex((line) => !line.startsWith("      ")))
    const environment = Object.fromEntries(
      settings
        .filter((line) => !line.trim().startsWith("#"))
        .map((line) => line.trim().split(/: (.*)/s, 2) as [string, string])
    )
    // The lines of the guide's file `.env`.
    const guide = Documents.textOf("src/docs/containers.md")
    const values: Record<string, string> = Object.fromEntries(
      [...guide.matchAll(/^([A-Z_]+)=(\S.*)$/gm)].map(([, name = "", value = ""]) => [
        name,
        value.replace(/\$\(openssl rand -hex (\d+)\)/, (_, bytes) => "5a".repeat(Number(bytes)))
      ])
    )
    const wanted = [...text.matchAll(/\$\{(\w+)/g)].map(([, name = ""]) => name)
    assert.sameMembers(Object.keys(values), [...new Set(wanted)])
    const env = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value.replace(/^"(.*)"$/, "$1").replace(/\$\{(\w+).*?\}/g, (_, variable) => values[variable] ?? "")
      ])
    )
    const valid = await Effect.runPromise(Settings.parse(ConfigProvider.fromUnknown({ ...variables, ...env })))
    assert.deepStrictEqual([valid.host, valid.port], ["0.0.0.0", 8080])
    assert.isTrue(Option.isSome(valid.redisUrl) && Option.isSome(valid.analyticsUrl) && Option.isSome(valid.secretsKey))
    assert.isTrue(valid.console)
    assert.strictEqual(env["PUBLIC_URL"], "https://edge.example")
    assert.strictEqual(env["TRUSTED_PROXIES"], /subnet: (.*)/.exec(text)?.[1])
    assert.strictEqual(valueOf("EXPOSE"), variables["PORT"])
    // Only the proxy publishes ports: a visitor who reached the service directly could name any address.
    const publishing = [...text.matchAll(/^ {2}(\w+):\n(?: {4}.*\n)*? {4}ports:/gm)].map(([, name]) => name)
    assert.deepStrictEqual(publishing, ["proxy"])
  })
})
