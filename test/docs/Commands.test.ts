/**
 * Runs the commands of the README and the guides. The service is started as the operator's guide says: by the commands of the
 * guide's systemd unit, with the guide's environment file. One test puts the guide's nginx configuration in front.
 */
import { writeFileSync } from "node:fs"
import path from "node:path"
import { assert, layer } from "@effect/vitest"
import { Effect, Redacted } from "effect"
import * as Nginx from "../../scripts/torture/Nginx.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import { prepareDocument, Service, service } from "./DocumentedService.ts"
import * as Documents from "./Documents.ts"
import { certificateAuthority, secureGet, startNginx, temporary } from "./NginxBlocks.ts"
import { environment, operator, unit } from "./OperatorUnit.ts"
import * as Shell from "./Shell.ts"

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** The address that nginx serves in the operator's guide. */
const publicUrl = environment["PUBLIC_URL"] ?? ""

/** Asserts that printed JSON has the members and values that a document shows. `<uuid>` and `<time>` stand for any. */
const assertSameMembers = (printed: string, documented: string): void => {
  const actual = JSON.parse(printed) as Record<string, unknown>
  for (const [name, value] of Object.entries(JSON.parse(documented) as Record<string, unknown>)) {
    if (value === "<uuid>") assert.match(String(actual[name]), uuid, name)
    else if (value === "<time>") assert.match(String(actual[name]), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/, name)
    else assert.deepStrictEqual(actual[name], value, name)
  }
  assert.sameMembers(Object.keys(actual), Object.keys(JSON.parse(documented) as object))
}

/** Asserts that a block printed what the document shows after it: a status line and a body (`http`), or JSON (`json`). */
const checkOutput = (stdout: string, shown: Documents.Block | undefined): void => {
  if (shown?.language === "json") assertSameMembers(stdout, shown.text)
  if (shown?.language !== "http") return
  const [status = "", ...body] = shown.text.split("\n")
  assert.isTrue(stdout.startsWith(`${status}\r\n`), `${stdout.split("\r\n")[0]} instead of ${status}`)
  const documented = body.join("\n").trim()
  if (documented !== "") assertSameMembers(stdout.slice(stdout.indexOf("\r\n\r\n")).trim(), documented)
}

layer(service, { excludeTestServices: true, timeout: 180_000 })("the documents' commands", (it) => {
  for (const file of Documents.files) {
    const blocks = Documents.blocksOf(file)
    if (!blocks.some(({ mark }) => mark === "run")) continue
    it.effect(
      `${file}: every shell block that is marked "run" succeeds`,
      () =>
        Effect.gen(function* () {
          const { commands, env } = yield* Service
          const { values } = yield* prepareDocument
          for (const [index, block] of blocks.entries()) {
            if (block.language !== "sh" || block.mark !== "run") continue
            const text = Shell.replace(block.text, values)
            const ended = yield* Shell.runBlock(text, { ...env, AGENT_KEY: "a key" }, commands)
            assert.strictEqual(ended.code, 0, `${file}:${block.line}\n${ended.stdout}\n${ended.stderr}`)
            checkOutput(ended.stdout, blocks[index + 1])
          }
        }),
      180_000
    )
  }

  it.effect("README: the smoke test passes against the service", () =>
    Effect.gen(function* () {
      const { env, process } = yield* Service
      const { ids } = yield* prepareDocument
      const folder = yield* temporary
      const file = path.join(folder, "demo.json")
      writeFileSync(file, JSON.stringify({ base_url: process.url, ...ids }))
      const ended = yield* Shell.run(`node scripts/smoke.ts --demo '${file}'`, env)
      assert.strictEqual(ended.code, 0, ended.stdout + ended.stderr)
    })
  )

  it.effect("operator: the dump leaves out a table that exists and holds the salts", () =>
    Effect.gen(function* () {
      const { databaseUrl } = yield* Service
      const table = /--exclude-table-data=(\w+)/.exec(Documents.textOf(operator))?.[1] ?? ""
      const sql = yield* TestDatabase.clientOf({ url: Redacted.make(databaseUrl), database: "" })
      const rows = yield* sql`SELECT column_name FROM information_schema.columns WHERE table_name = ${table}`
      assert.sameMembers(
        rows.map(({ column_name }) => column_name),
        ["day", "salt"]
      )
    }).pipe(Effect.scoped)
  )

  const behindNginx = "operator: the first page view goes through nginx with TLS and is counted"
  if (Nginx.executable === undefined && process.env["CI"] !== "true") {
    it.skip(`${behindNginx} (there is no nginx; install nginx-light)`, () => {})
  } else {
    it.effect(behindNginx, () =>
      Effect.gen(function* () {
        const { process } = yield* Service
        const port = yield* startNginx(new URL(process.url).host)
        const answer = yield* until("nginx answers", () => secureGet(port, "/readyz"))
        assert.deepStrictEqual(answer, { status: 200, body: '{"status":"ready"}' })

        const block = Documents.blocksOf(operator).find(({ mark, text }) => mark === "run" && text.includes(publicUrl))
        const { commands, env } = yield* Service
        const { values } = yield* prepareDocument
        const here = { ...values, [`${publicUrl}/`]: `https://127.0.0.1:${port}/` }
        const text = Shell.replace(block?.text ?? "", here)
        const ended = yield* Shell.runBlock(text, { ...env, CURL_CA_BUNDLE: certificateAuthority }, commands)
        assert.strictEqual(ended.code, 0, ended.stdout + ended.stderr)
        assert.match(ended.stdout, /^HTTP\/1\.1 204 /)
        assert.match(ended.stdout, /^page views +1\b/m)
      })
    )
  }

  // Last: it ends the service.
  it.effect("operator: the unit's ExecReload replaces the workers, and SIGTERM ends the service with exit code 0", () =>
    Effect.gen(function* () {
      const { env, process } = yield* Service
      const reloaded = yield* Shell.run((unit["ExecReload"] ?? "").replace("$MAINPID", String(process.pid)), env)
      assert.strictEqual(reloaded.code, 0, reloaded.stderr)
      yield* until("all workers are replaced", () => process.output().includes("All workers are replaced"))
      const ready = yield* Effect.promise(() => fetch(`${process.url}/readyz`))
      assert.strictEqual(ready.status, 200)
      yield* process.signal("SIGTERM")
      assert.deepStrictEqual(yield* process.ended, { code: 0, signal: null })
    })
  )
})
