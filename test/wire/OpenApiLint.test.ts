/**
 * The published documents against the recommended rules of Redocly and of Spectral: no error and no warning.
 */
import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import spectralCore from "@stoplight/spectral-core"
import spectralRulesets from "@stoplight/spectral-rulesets"
import { Effect, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../../src/contract/Api.ts"
import { OwnerApi } from "../../src/contract/owner/Api.ts"

type Document = Record<string, unknown>

const publicDocument = OpenApi.fromApi(Api) as unknown as Document
const ownerDocument = OpenApi.fromApi(OwnerApi) as unknown as Document

const Report = Schema.fromJsonString(
  Schema.Struct({ problems: Schema.Array(Schema.Struct({ ruleId: Schema.String })) })
)

const redoclyProgram = path.join(
  path.dirname(createRequire(import.meta.url).resolve("@redocly/cli/package.json")),
  "bin/cli.js"
)

const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(path.join(tmpdir(), "hydracore-lint-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

/** The recommended rules of `redocly lint` that each document breaks. */
const redoclyOf = Effect.fnUntraced(function* (documents: ReadonlyArray<Document>) {
  const folder = yield* temporaryFolder
  const files = documents.map((_, index) => path.join(folder, `${index}.json`))
  for (const [index, file] of files.entries()) {
    yield* Effect.promise(() => writeFile(file, JSON.stringify(documents[index])))
  }
  const stdout = yield* Effect.promise(async () => {
    const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" }
    const arguments_ = [redoclyProgram, "lint", "--extends=recommended", "--format=json", ...files]
    // If there are errors, Redocly exits with 1 and reports them in the same way.
    const run = promisify(execFile)(process.execPath, arguments_, { cwd: folder, env })
    return await run.then(
      (done) => done.stdout,
      (failed: { readonly stdout: string }) => failed.stdout
    )
  })
  // Redocly prints a report in JSON for each file.
  const texts = stdout.split(/(?<=^\})\s*(?=\{)/m)
  const reports = yield* Effect.forEach(texts, (text) => Schema.decodeEffect(Report)(text))
  assert.lengthOf(reports, documents.length)
  return new Map(documents.map((document, index) => [document, reports[index]?.problems.map(({ ruleId }) => ruleId)]))
}, Effect.scoped)

/** The recommended rules of `spectral:oas` that a document breaks. */
const spectral = Effect.fnUntraced(function* (document: Document) {
  const linter = new spectralCore.Spectral()
  linter.setRuleset({
    extends: [[spectralRulesets.oas as never, "recommended"]],
    // Each operator runs their own service, so the document has no contact to name.
    rules: { "info-contact": "off" }
  })
  const problems = yield* Effect.promise(() => linter.run(document))
  return problems.map(({ code }) => String(code))
})

/** A document that breaks a rule of each linter. It has no paths, because they would take most of the time. */
const incomplete: Document = {
  openapi: publicDocument["openapi"],
  info: { title: "", version: "1.0.0" },
  servers: [],
  tags: [],
  paths: {}
}

/** One process lints all documents, because every process loads the linter's modules again. */
const redoclyReports = Effect.runSync(Effect.cached(redoclyOf([publicDocument, ownerDocument, incomplete])))

const redocly = (document: Document) => Effect.map(redoclyReports, (reports) => reports.get(document) ?? [])

describe("wire/OpenApiLint", () => {
  for (const [name, lint, brokenRule] of [
    ["redocly", redocly, "info-license"],
    ["spectral", spectral, "oas3-api-servers"]
  ] as const) {
    for (const [api, document] of [
      ["public API", publicDocument],
      ["owner API", ownerDocument]
    ] as const) {
      it.live(`${name} finds nothing in the document of the ${api}`, () =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* lint(document), [])
        })
      )
    }

    it.live(`${name} finds what an incomplete document lacks`, () =>
      Effect.gen(function* () {
        assert.include(yield* lint(incomplete), brokenRule)
      })
    )
  }
})
