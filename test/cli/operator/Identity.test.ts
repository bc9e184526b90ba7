/** No key, session or request reaches the operator's operations or identity: both exist only in the process of a command. */
import { readdirSync, readFileSync } from "node:fs"
import path from "node:path"
import { assert, it, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { OwnerKeys } from "../../../src/sites/access/OwnerKey.ts"
import type { Storage } from "../../support/MemoryStorage.ts"
import { send } from "../../support/OwnerRequests.ts"
import { run } from "../../support/TestCli.ts"
import { onPostgres, TestServer } from "../../support/TestServer.ts"

const newKey = OwnerKeys.use((keys) => keys.issue({ scope: "write", sites: "all", label: null, expiresAt: null })).pipe(
  Effect.flatMap(Effect.fromOption),
  Effect.orDie
)

layer(onPostgres(), { excludeTestServices: true })("the operator's identity", (it) => {
  it.effect("a key of a request has an issuer, and a key of a command has none", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { key, key_id } = yield* newKey
      const services = Layer.succeedContext(yield* Effect.context<Storage>())
      const issue = { scope: "stats", sites: "all" }
      const answer = yield* send(url, "/v1/owner/keys", { key, body: { ...issue, label: "request" } })
      assert.strictEqual(answer.status, 200)
      yield* run(["key", "issue", "--all-sites", "--label", "command"], services)
      yield* run(["key", "issue", "--all-sites", "--label", "remote", "--url", url, "--key", key], services)
      const { stdout } = yield* run(["key", "list", "--json"], services)
      const { keys } = JSON.parse(stdout) as { readonly keys: ReadonlyArray<Record<string, string | null>> }
      const issuers = Object.fromEntries(keys.map(({ issued_by, label }) => [label, issued_by]))
      assert.deepInclude(issuers, { request: key_id, command: null, remote: key_id })
    })
  )
})

it("only the folder of commands imports what only the operator may do", () => {
  const root = path.resolve(import.meta.dirname, "../../../src")
  const importers = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .filter((file) =>
      /from "[^"]*operator\/|import\("[^"]*operator\//.test(readFileSync(path.join(root, file), "utf8"))
    )
  assert.isNotEmpty(importers)
  for (const file of importers) assert.isTrue(file.startsWith(`cli${path.sep}`), file)
})
