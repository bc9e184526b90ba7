import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import { TestClock } from "effect/testing"
import * as ScriptedAgent from "../../../src/chat/AgentStream.ts"
import { AgentRefused } from "../../../src/chat/AgentStream.ts"
import { run } from "../../support/TestCli.ts"
import { site } from "../../support/TestStorage.ts"
import { session, unknown } from "../support/Session.ts"

describe("instance", () => {
  it.effect("a created instance is listed with all its settings", () =>
    Effect.gen(function* () {
      const { json } = yield* session
      const created = yield* json(
        ...[
          "instance",
          "create",
          "--name",
          "Support",
          "--agent-url",
          "https://agent.example/base",
          "--agent-model",
          "m-1"
        ],
        ...["--agent-key-env", "AGENT_KEY", "--origin", "https://a.example"]
      )
      yield* TestClock.adjust("1 second")
      yield* json("instance", "create", "--name", "Plain", "--agent-url", "http://[::1]:9000")
      const { instances: list } = yield* json("instance", "list")
      assert.deepStrictEqual(list[0], created)
      assert.deepStrictEqual(created, {
        instance_id: created.instance_id,
        contact: "failed",
        name: "Support",
        website_config_id: null,
        agent_url: "https://agent.example/base",
        agent_protocol: "openai-chat",
        agent_model: "m-1",
        agent_key_env: "AGENT_KEY",
        agent_key: "operator",
        guarded: false,
        agent_key_header: null,
        agent_body_fields: [],
        agent_header_names: [],
        memory: "edge",
        conversation_ids: "service",
        instructions: null,
        history: 40,
        history_characters: 60_000,
        max_tokens: 4096,
        daily_tokens: null,
        origins: ["https://a.example"]
      })
      const { agent_key_env, agent_model, origins } = list[1]
      assert.deepStrictEqual([agent_key_env, agent_model, origins], [null, null, []])
    })
  )

  it.effect("additions to requests are stored encrypted, and listed by their names", () =>
    Effect.gen(function* () {
      const { context } = yield* session
      const services = Layer.succeedContext(context)
      const options = {
        secretsKey: Redacted.make(new Uint8Array(32).fill(5)),
        files: { "/body.json": '{"agent_id": "secret-id"}' }
      }
      const hydracore = (...args: ReadonlyArray<string>) => run(["instance", ...args, "--json"], services, options)
      const create = ["create", "--name", "a", "--agent-url", "http://localhost:1"]
      const created = yield* hydracore(
        ...[...create, "--agent-body", '{"temperature": 0.2, "web_search_options": {}}'],
        ...["--agent-header", "X-Title: secret-title", "--agent-header", "HTTP-Referer: https://secret.example/a:b"]
      )
      assert.deepStrictEqual([created.code, created.stderr], [0, ""])
      const { instance_id } = JSON.parse(created.stdout)
      const listed = yield* hydracore("list")
      assert.deepInclude(JSON.parse(listed.stdout).instances[0], {
        agent_body_fields: ["temperature", "web_search_options"],
        agent_header_names: ["x-title", "http-referer"]
      })
      assert.notInclude(listed.stdout, "secret")
      const update = ["update", "--instance", instance_id]
      const changed = yield* hydracore(...update, "--agent-body", "@/body.json", "--no-agent-header")
      assert.deepInclude(JSON.parse(changed.stdout), { agent_body_fields: ["agent_id"], agent_header_names: [] })
      const renamed = yield* hydracore(...update, "--name", "b")
      assert.deepInclude(JSON.parse(renamed.stdout), { agent_body_fields: ["agent_id"], agent_header_names: [] })

      for (const [flag, value, message] of [
        ["--agent-body", "secret", 'must be a JSON object such as {"temperature": 0.2}.'],
        [
          "--agent-body",
          '{"model": "secret"}',
          "must be an object without model, which the service sets (see --agent-model)."
        ],
        ["--agent-body", '{"messages": []}', "must be an object without messages, which the service sets."],
        [
          "--agent-header",
          "Authorization: secret",
          "without authorization, which the service sets (see --agent-key-header)."
        ],
        ["--agent-header", "X-Title", "must be headers such as X-Title: Shop"],
        ["--agent-header", "Host: secret", "must be headers such as X-Title: Shop"]
      ] as const) {
        const refused = yield* hydracore(...update, flag, value)
        assert.strictEqual(refused.code, 1)
        assert.include(JSON.parse(refused.stderr).error.message, message)
        assert.notInclude(refused.stderr, "secret")
      }
      const keyless = yield* run(["instance", ...update, "--agent-body", '{"seed": 1}'], services)
      assert.strictEqual(keyless.code, 1)
      assert.include(keyless.stderr, "until its operator sets SECRETS_KEY")
    })
  )

  it.effect("if the agent refuses a question, create and update warn but succeed", () =>
    Effect.gen(function* () {
      const agent = ScriptedAgent.layerScripted(() => Stream.fail(new AgentRefused({ reason: "test", status: 404 })))
      const { context } = yield* session
      const services = Layer.succeedContext(context)
      const create = ["instance", "create", "--name", "a", "--agent-url", "http://localhost:1", "--json"]
      const warned = yield* run(create, services, { agent })
      assert.strictEqual(warned.code, 0)
      const { instance_id } = JSON.parse(warned.stdout)
      assert.match(
        warned.stderr,
        /^Warning: The agent of "a" \(.*\) refuses a question \(status 404\)\. .*--agent-url <url>/
      )
      assert.include(warned.stderr, instance_id)
      const unchecked = yield* run([...create, "--no-check"], services, { agent })
      assert.deepStrictEqual([unchecked.code, unchecked.stderr], [0, ""])
      const update = ["instance", "update", "--instance", instance_id, "--json"]
      const moved = yield* run([...update, "--agent-url", "http://localhost:2"], services, { agent })
      assert.strictEqual(moved.code, 0)
      assert.match(moved.stderr, /^Warning: The agent of "a"/)
      for (const change of [
        ["--agent-url", "http://localhost:3", "--no-check"],
        ["--name", "b"]
      ]) {
        const changed = yield* run([...update, ...change], services, { agent })
        assert.deepStrictEqual([changed.code, changed.stderr], [0, ""])
      }
    })
  )

  it.effect("update changes only the given settings and clears optional ones", () =>
    Effect.gen(function* () {
      const { json, refusal, text } = yield* session
      const full = ["--agent-model", "m-1", "--agent-key-env", "AGENT_KEY", "--origin", "https://a.example"]
      const { instance_id } = yield* json(
        ...["instance", "create", "--name", "Support", "--agent-url", "http://localhost:1", ...full]
      )
      const listed = Effect.map(json("instance", "list"), ({ instances }) => instances[0])
      const before = yield* listed
      const update = ["instance", "update", "--instance", instance_id]
      const moved = yield* json(...update, "--agent-url", "http://localhost:2", "--name", "Help")
      assert.deepStrictEqual(moved, { ...before, agent_url: "http://localhost:2", name: "Help" })
      const cleared = yield* json(...update, "--no-agent-model", "--no-agent-key-env", "--any-origin")
      assert.deepStrictEqual(cleared, {
        ...moved,
        agent_model: null,
        agent_key: null,
        agent_key_env: null,
        origins: []
      })
      assert.deepStrictEqual(yield* listed, cleared)
      assert.match((yield* text(...update, ...full)).stdout, /\nagent_model +m-1\nagent_key_env +AGENT_KEY\n/)
      assert.deepStrictEqual(yield* listed, { ...before, agent_url: "http://localhost:2", name: "Help" })

      assert.strictEqual(
        yield* refusal(...update),
        "No change was given; `hydracore instance update --help` lists the flags.\n"
      )
      for (const flag of ["agent-model", "agent-key-env"]) {
        assert.strictEqual(
          yield* refusal(...update, `--${flag}`, "a", `--no-${flag}`),
          `The flag --no-${flag} must be left out when --${flag} is given.\n`
        )
      }
      assert.strictEqual(
        yield* refusal("instance", "update", "--instance", unknown, "--name", "a"),
        `There is no instance ${unknown}; \`hydracore instance list\` lists them.\n`
      )
    })
  )

  it.effect("every setting of an instance can be created, changed and, if optional, cleared", () =>
    Effect.gen(function* () {
      const { json, refusal, text } = yield* session
      const flags = [
        ...["--site", site.websiteConfigId, "--agent-protocol", "anthropic", "--agent-key-header", "api-key"],
        ...["--memory", "agent", "--conversation-ids", "client", "--instructions", " Be brief.\n", "--history", "7"],
        ...["--history-characters", "900", "--max-tokens", "55", "--daily-tokens", "9007199254740991"]
      ]
      const settings = {
        website_config_id: site.websiteConfigId,
        agent_protocol: "anthropic",
        agent_key_header: "api-key",
        memory: "agent",
        conversation_ids: "client",
        instructions: "Be brief.",
        history: 7,
        history_characters: 900,
        max_tokens: 55,
        daily_tokens: 9_007_199_254_740_991
      }
      const base = ["--name", "a", "--agent-url", "http://localhost:1"]
      yield* json("instance", "create", ...base, ...flags)
      const { instance_id } = yield* json("instance", "create", ...base)
      const { instances: listed } = (yield* json("instance", "list")) as {
        readonly instances: ReadonlyArray<{ readonly instance_id: string }>
      }
      const plain = listed.find((instance) => instance.instance_id === instance_id)
      const created =
        listed.find((instance) => instance.instance_id !== instance_id) ?? assert.fail("no other instance")
      assert.deepStrictEqual(created, { ...plain, ...settings, instance_id: created.instance_id })
      const update = ["instance", "update", "--instance", instance_id]
      assert.deepStrictEqual(yield* json(...update, ...flags), { ...plain, ...settings })
      const cleared = ["site", "agent-key-header", "instructions", "daily-tokens"]
      assert.deepStrictEqual(yield* json(...update, ...cleared.map((flag) => `--no-${flag}`)), {
        ...plain,
        ...settings,
        website_config_id: null,
        agent_key_header: null,
        instructions: null,
        daily_tokens: null
      })
      for (const flag of cleared) {
        const value = flags[flags.indexOf(`--${flag}`) + 1]!
        assert.strictEqual(
          yield* refusal(...update, `--${flag}`, value, `--no-${flag}`),
          `The flag --no-${flag} must be left out when --${flag} is given.\n`
        )
      }
      const long = (yield* text(...update, "--instructions", `one\n${"word ".repeat(50)}`)).stdout
      assert.match(long, /^instructions +one word .{40,}…$/m)
    })
  )

  it.effect("instructions are read from a file; an invalid flag creates no instance", () =>
    Effect.gen(function* () {
      const { context, json, refusal } = yield* session
      const services = Layer.succeedContext(context)
      const create = ["instance", "create", "--name", "a", "--agent-url", "http://localhost:1"]
      const files = { "prompt.txt": "From a file: 日本\n", empty: " \n", large: "x".repeat(32_001) }
      const createFrom = (path: string) => run([...create, "--instructions", `@${path}`], services, { files })
      assert.strictEqual((yield* createFrom("prompt.txt")).code, 0)
      const [instance] = (yield* json("instance", "list")).instances
      assert.strictEqual(instance.instructions, "From a file: 日本")
      const expected =
        "The flag --instructions must be a text of 1 to 32000 characters, or @ and the path of a file with one.\n"
      for (const path of ["empty", "large"]) assert.strictEqual((yield* createFrom(path)).stderr, expected)
      assert.strictEqual(
        (yield* createFrom("absent")).stderr,
        "The flag --instructions must be a text, or @ and the path of a file that can be read (ENOENT).\n"
      )
      for (const [flag, value] of [
        ["site", unknown],
        ["site", "x"],
        ["agent-protocol", "x"],
        ["agent-key-header", "content-type"],
        ["agent-key-header", "a b"],
        ["memory", "x"],
        ["conversation-ids", "x"],
        ["instructions", ""],
        ["instructions", "a\0b"],
        ["history", "0"],
        ["history", "501"],
        ["history-characters", "1.5"],
        ["max-tokens", "-1"],
        ["daily-tokens", "9007199254740992"]
      ] as const) {
        assert.match(yield* refusal(...create, `--${flag}`, value), /^[^\n]+\.\n$/, `${flag} ${value}`)
      }
      assert.lengthOf((yield* json("instance", "list")).instances, 1)
    })
  )

  it.effect("a deleted instance and its tokens are not listed", () =>
    Effect.gen(function* () {
      const { json, refusal, text } = yield* session
      const create = json("instance", "create", "--name", "a", "--agent-url", "http://localhost:1")
      const [one, other] = [(yield* create).instance_id, (yield* create).instance_id]
      const { token_id } = yield* json("token", "issue", "--instance", one)
      const remove = ["instance", "delete", "--instance"]
      assert.deepStrictEqual(yield* json(...remove, one), { instance_id: one, deleted: true })
      assert.strictEqual(
        yield* refusal(...remove, one),
        `There is no instance ${one}; \`hydracore instance list\` lists them.\n`
      )
      assert.strictEqual(
        yield* refusal("token", "list", "--instance", one),
        `There is no instance ${one}; \`hydracore instance list\` lists them.\n`
      )
      assert.strictEqual(
        yield* refusal("token", "revoke", "--token-id", token_id),
        `There is no token ${token_id}; \`hydracore token list --instance <instance_id>\` lists them.\n`
      )
      assert.strictEqual(
        (yield* text(...remove, other)).stdout,
        `The instance ${other} is deleted with its tokens and conversations.\n`
      )
      assert.deepStrictEqual(yield* json("instance", "list"), { instances: [] })
    })
  )

  it.effect("errors do not repeat a key given in place of a URL or a variable", () =>
    Effect.gen(function* () {
      const { refusal } = yield* session
      for (const url of [
        "https://user:sesame@agent.example",
        "https://sesame@agent.example",
        "https://@agent.example/sesame",
        "sesame",
        "file:///sesame",
        "https://agent.example/ sesame"
      ]) {
        const sentence = yield* refusal("instance", "create", "--name", "a", "--agent-url", url)
        assert.match(sentence, /^The flag --agent-url must be an address/)
        assert.notInclude(sentence, "sesame")
      }
      for (const variable of ["sk-sesame", "1SESAME", "A B", "A=sesame"]) {
        const sentence = yield* refusal(
          ...["instance", "create", "--name", "a", "--agent-url", "http://localhost", "--agent-key-env", variable]
        )
        assert.match(sentence, /^The flag --agent-key-env must be the name of an environment variable/)
        assert.notMatch(sentence, /sesame/i)
      }
    })
  )
})
