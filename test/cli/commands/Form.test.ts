/**
 * `form`, with rules in a file.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { TestClock } from "effect/testing"
import { run } from "../../support/TestCli.ts"
import { onPostgres, site } from "../../support/TestStorage.ts"

const form = ["--site", site.websiteConfigId, "--page", "contact"]

const path = "rules.json"

/** A command line on one storage, and a file of rules. */
const session = Effect.map(Layer.build(onPostgres), (context) => {
  const services = Layer.succeedContext(context)
  let files: Record<string, string> = {}
  return {
    cli: (...args: ReadonlyArray<string>) => run(args, services, { files }),
    write: (rules: unknown): void => {
      files = { [path]: typeof rules === "string" ? rules : JSON.stringify(rules) }
    }
  }
})

describe("form", () => {
  it.effect("creates, shows, updates, lists and deletes the rules of a form", () =>
    Effect.gen(function* () {
      const { cli, write } = yield* session
      const rules = { name: { required: true, max: 100 }, email: { email: true } }
      write(rules)
      const created = JSON.parse((yield* cli("form", "create", ...form, "--rules", path, "--json")).stdout) as object
      assert.deepInclude(created, { page: "contact", rules })
      assert.deepStrictEqual(JSON.parse((yield* cli("form", "show", ...form, "--json")).stdout), created)

      // At the same time it would be the same creation again.
      yield* TestClock.adjust("1 second")
      const again = yield* cli("form", "create", ...form, "--rules", path)
      assert.deepInclude(again, { code: 1, stdout: "" })
      assert.match(again.stderr, /^This form already has rules; `hydracore form update` replaces them\.\n$/)

      write(`\uFEFF${JSON.stringify({ name: { max: 3 } })}`)
      const updated = JSON.parse((yield* cli("form", "update", ...form, "--rules", path, "--json")).stdout) as object
      assert.deepInclude(updated, { rules: { name: { max: 3 } } })
      const listed = yield* cli("form", "list", "--site", site.websiteConfigId, "--json")
      assert.deepStrictEqual(JSON.parse(listed.stdout), { forms: [updated] })

      const deleted = yield* cli("form", "delete", ...form, "--json")
      assert.deepInclude(JSON.parse(deleted.stdout), { page: "contact", deleted: true })
      for (const command of ["show", "delete"]) {
        const missing = yield* cli("form", command, ...form)
        assert.deepInclude(missing, {
          code: 1,
          stderr: "The form contact has no rules; `hydracore form list` lists the forms that have some.\n"
        })
      }
      assert.deepInclude(yield* cli("form", "update", ...form, "--rules", path), {
        code: 1,
        stderr: "The form contact has no rules; `hydracore form create` sets them.\n"
      })
      assert.deepInclude(yield* cli("form", "reply", "delete", ...form), {
        code: 1,
        stderr: "The form contact has no automatic reply; `hydracore form reply list` lists the forms that have one.\n"
      })
    }).pipe(Effect.scoped)
  )

  it.effect("an invalid file is refused with one sentence that names each error, and nothing is stored", () =>
    Effect.gen(function* () {
      const { cli, write } = yield* session
      const cases: ReadonlyArray<readonly [file: unknown, message: RegExp]> = [
        [
          '{"name": {"required": true}\n"email": {}}',
          /is not JSON: .*line 2 column 1\)?\. Rules look like this: \{"name": \{"required"/
        ],
        ["", /is not JSON/],
        ["[]", /are wrong: the file must be an object with the names of fields\. Rules look like this: \{/],
        [
          { name: { required: "yes", lenght: 3 } },
          /are wrong: "name"\.lenght is not a rule; the rules are required, email, .*; "name"\.required must be true or false\. Rules look/
        ],
        [{ phone: { pattern: "(" } }, /are wrong: "phone"\.pattern must be a regular expression /],
        [{ "\u001b[2J": { min: -1 } }, /are wrong: "\\u001b\[2J"\.min must be a count of characters/],
        [" ".repeat(300_000), /has more than 131072 characters; shorten it\.$/]
      ]
      for (const [file, message] of cases) {
        write(file)
        const ended = yield* cli("form", "create", ...form, "--rules", path)
        assert.deepInclude(ended, { code: 1, stdout: "" })
        assert.match(ended.stderr.trimEnd(), message)
        assert.lengthOf(ended.stderr.trim().split("\n"), 1)
      }
      assert.strictEqual(
        (yield* cli("form", "list", "--site", site.websiteConfigId, "--json")).stdout,
        '{"forms":[]}\n'
      )
    }).pipe(Effect.scoped)
  )

  it.effect("reports a missing file, an unknown website and an invalid page", () =>
    Effect.gen(function* () {
      const { cli, write } = yield* session
      const absent = yield* cli("form", "create", ...form, "--rules", `${path}.absent`)
      assert.match(absent.stderr, /^The flag --rules must be the path of a JSON file that can be read[^\n]*\n$/)
      write({ name: {} })
      const unknown = "00000000-0000-4000-8000-000000000000"
      for (const args of [["create", "--page", "a", "--rules", path], ["list"], ["show", "--page", "a"]]) {
        const ended = yield* cli("form", ...args, "--site", unknown)
        assert.deepInclude(ended, {
          code: 1,
          stderr: `There is no website ${unknown}; \`hydracore site list\` lists them.\n`
        })
      }
      const page = yield* cli("form", "show", "--site", site.websiteConfigId, "--page", "x".repeat(201))
      assert.match(page.stderr, /^The flag --page must be the page_slug of a form, of 1 to 200 characters\.\n$/)
    }).pipe(Effect.scoped)
  )
})
