/**
 * The published documents against the recommended rules of Redocly and some of its stricter ones: no error and no warning.
 */
import { execFile } from "node:child_process"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import path from "node:path"
import { promisify } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { OpenApi } from "effect/http-api"
import { Api } from "../../src/api/Api.ts"
import { OwnerApi } from "../../src/api/OwnerApi.ts"

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

const configuration = {
  extends: ["recommended"],
  rules: {
    "no-duplicated-enum-values": "error",
    "no-illogical-composition-keywords": "error",
    "no-invalid-parameter-examples": "error",
    "no-invalid-schema-examples": "error",
    "no-mixed-number-range-constraints": "error",
    "no-unsafe-markdown": "error",
    "operation-description": "error",
    "operation-singular-tag": "error",
    "operation-tag-defined": "error",
    "rule/info-description": { subject: { type: "Info", property: "description" }, assertions: { defined: true } },
    "rule/operation-tags": { subject: { type: "Operation", property: "tags" }, assertions: { defined: true } }
  }
}

const temporaryFolder = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(path.join(tmpdir(), "hydracore-lint-"))),
  (folder) => Effect.promise(() => rm(folder, { recursive: true }))
)

/** The rules of `configuration` that each document breaks. */
const redoclyOf = Effect.fnUntraced(function* (documents: ReadonlyArray<Document>) {
  const folder = yield* temporaryFolder
  // Redocly reads JSON as YAML.
  yield* Effect.promise(() => writeFile(path.join(folder, "redocly.yaml"), JSON.stringify(configuration)))
  const files = documents.map((_, index) => path.join(folder, `${index}.json`))
  for (const [index, file] of files.entries()) {
    yield* Effect.promise(() => writeFile(file, JSON.stringify(documents[index])))
  }
  const stdout = yield* Effect.promise(async () => {
    const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" }
    const arguments_ = [redoclyProgram, "lint", "--format=json", ...files]
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

/** A document that breaks recommended and stricter rules. */
const incomplete: Document = {
  openapi: publicDocument["openapi"],
  info: { title: "", version: "1.0.0" },
  servers: [],
  tags: [],
  paths: {
    "/things": {
      get: {
        operationId: "things",
        summary: "Things",
        parameters: [{ name: "kind", in: "query", schema: { type: "string", enum: ["a", "a"], example: 1 } }],
        responses: { "200": { description: "Things" } }
      }
    }
  }
}

/** One process lints all documents, because every process loads the linter's modules again. */
const redoclyReports = Effect.runSync(Effect.cached(redoclyOf([publicDocument, ownerDocument, incomplete])))

const brokenRules = (document: Document) => Effect.map(redoclyReports, (reports) => reports.get(document) ?? [])

describe("wire/OpenApiLint", () => {
  for (const [api, document] of [
    ["public API", publicDocument],
    ["owner API", ownerDocument]
  ] as const) {
    it.live(`the linter finds nothing in the document of the ${api}`, () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* brokenRules(document), [])
      })
    )
  }

  it.live("the linter finds what an incomplete document lacks", () =>
    Effect.gen(function* () {
      const found = yield* brokenRules(incomplete)
      for (const rule of [
        "info-license",
        "no-empty-servers",
        "no-duplicated-enum-values",
        "no-invalid-schema-examples",
        "operation-description",
        "rule/info-description",
        "rule/operation-tags"
      ]) {
        assert.include(found, rule)
      }
    })
  )
})
