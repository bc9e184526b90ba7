/**
 * The settings of instances over HTTP, and the addresses and settings that owners must not use.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import type { InstanceChange } from "../../src/chat/Instance.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as InstanceInput from "../../src/chat/InstanceInput.ts"
import * as SealedAdditions from "../../src/chat/SealedAdditions.ts"
import * as Sealing from "../../src/platform/secrets/Sealing.ts"
import * as Maximums from "../../src/sites/Maximums.ts"
import { locationsOf, opened } from "../support/OwnerSession.ts"
import type { Storage } from "../support/Storages.ts"
import { onPostgres as testServer } from "../support/TestServer.ts"

const sealingKey = new Uint8Array(32).fill(3)
const secretsKey = Option.some(Redacted.make(sealingKey))
const url = "https://agent.example.com/v1"

/** The stored instance. Unlike a lookup, a list is not cached. */
const stored = (instanceId: string) =>
  InstanceDirectory.use((instances) => instances.list("all")).pipe(
    Effect.map((all) => all.find((instance) => instance.instance_id === instanceId) ?? assert.fail("there is none"))
  )

const agentKeyOf = (instanceId: string) =>
  Effect.map(stored(instanceId), ({ agent_key: agentKey }) =>
    agentKey === null ? null : Option.getOrThrow(Sealing.open(sealingKey, instanceId, agentKey))
  )

/** The decrypted additions of an instance. */
const additionsOf = (instanceId: string) =>
  Effect.map(stored(instanceId), ({ agent_body: agentBody, agent_headers: agentHeaders }) => {
    const opened = (kind: SealedAdditions.Kind, additions: typeof agentBody) =>
      additions && Option.getOrThrow(SealedAdditions.open(sealingKey, instanceId, kind, additions))
    return { body: opened("body", agentBody), headers: opened("headers", agentHeaders) }
  })

/** A storage in which another request makes a change just before each change of an instance. */
const changingInstances = (other: InstanceChange) => (storage: Layer.Layer<Storage>) =>
  Layer.effect(
    InstanceDirectory,
    Effect.map(InstanceDirectory, ({ modify, update, ...others }) =>
      InstanceDirectory.of({
        ...others,
        update,
        modify: (reach, instanceId, decide) =>
          Effect.andThen(Effect.orDie(update(instanceId, other)), modify(reach, instanceId, decide))
      })
    )
  ).pipe(Layer.provideMerge(storage))

const moving = changingInstances({ agent_url: "https://elsewhere.example", agent_key: null })

layer(testServer({ secretsKey }, undefined, moving), { excludeTestServices: true })(
  "an instance whose URL another request changes",
  (it) => {
    it.effect("does not send a key to another URL than it was given for", () =>
      Effect.gen(function* () {
        const { request } = yield* opened
        const created = yield* request("POST", "/instances", { name: "A", agent_url: url })
        const { instance_id: id } = JSON.parse(created.text)
        yield* request("PATCH", `/instances/${id}`, { agent_key: "sk-1" })
        assert.deepInclude(yield* stored(id), { agent_url: url, guarded: true })
        assert.strictEqual(yield* agentKeyOf(id), "sk-1")
      })
    )
  }
)

const otherKey = new Uint8Array([1, 2, 3])

layer(testServer({ secretsKey }, undefined, changingInstances({ agent_key: otherKey })), { excludeTestServices: true })(
  "an instance whose key another request changes",
  (it) => {
    it.effect("keeps that key when its body or headers change", () =>
      Effect.gen(function* () {
        const { request } = yield* opened
        const created = yield* request("POST", "/instances", { name: "A", agent_url: url, agent_key: "sk-1" })
        const { instance_id: id } = JSON.parse(created.text)
        for (const change of [{ agent_body: { seed: 1 } }, { agent_headers: { "x-title": "a" } }]) {
          assert.strictEqual((yield* request("PATCH", `/instances/${id}`, change)).status, 200)
          assert.deepStrictEqual((yield* stored(id)).agent_key, otherKey)
        }
        assert.deepStrictEqual(yield* additionsOf(id), { body: { seed: 1 }, headers: { "x-title": "a" } })
      })
    )
  }
)

layer(testServer({ secretsKey }), { excludeTestServices: true })("instances", (it) => {
  it.effect("creates, reads, changes and deletes instances of the website only", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* opened, yield* opened]
      const body = { name: " Support ", agent_url: url, agent_key: " sk-1 ", instructions: "Be brief.", history: 5 }
      const created = yield* mine.request("POST", "/instances", body)
      assert.strictEqual(created.status, 200)
      assert.notInclude(created.text, "sk-1")
      const { instance_id: id, ...facts } = JSON.parse(created.text)
      assert.deepStrictEqual(facts, {
        name: "Support",
        contact: "failed",
        agent_url: url,
        agent_protocol: "openai-chat",
        agent_model: null,
        agent_key: "value",
        agent_key_header: null,
        agent_body_fields: [],
        agent_header_names: [],
        memory: "edge",
        conversation_ids: "service",
        instructions: "Be brief.",
        history: 5,
        history_characters: 60_000,
        max_tokens: 4096,
        daily_tokens: null,
        origins: []
      })
      const { agent_key_env: agentKeyEnv, guarded: isGuarded, website_config_id: websiteConfigId } = yield* stored(id)
      assert.deepStrictEqual([agentKeyEnv, isGuarded, websiteConfigId], [null, true, mine.site.websiteConfigId])
      assert.strictEqual(yield* agentKeyOf(id), "sk-1")
      const path = `/instances/${id}`
      const change = { agent_model: "m-1", instructions: null, daily_tokens: 9, origins: ["https://A.example"] }
      const changed = JSON.parse((yield* mine.request("PATCH", path, change)).text)
      const expected = { ...facts, ...change, origins: ["https://a.example"], instance_id: id }
      assert.deepStrictEqual(changed, expected)
      assert.deepStrictEqual(JSON.parse((yield* mine.request("GET", path)).text), expected)
      assert.strictEqual(yield* agentKeyOf(id), "sk-1")
      for (const method of ["GET", "PATCH", "DELETE"]) {
        const foreign = yield* theirs.request(method, path, method === "PATCH" ? {} : undefined)
        assert.strictEqual(foreign.status, 404, method)
        const absent = yield* mine.request(method, `/instances/${randomUUID()}`, method === "PATCH" ? {} : undefined)
        assert.strictEqual(absent.status, 404, method)
      }
      assert.strictEqual((yield* mine.request("DELETE", path)).status, 204)
      assert.strictEqual((yield* mine.request("GET", path)).status, 404)
    })
  )

  it.effect("refuses private addresses and invalid settings, and ignores internal fields", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      const created = yield* request("POST", "/instances", { name: "A", agent_url: url })
      const { instance_id: id } = JSON.parse(created.text)
      for (const address of [
        "http://127.0.0.1/",
        "http://localhost/v1",
        "http://localhost.",
        "https://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0x7f.1/",
        "https://agent.example.com:8443/",
        "https://user:password@agent.example.com/",
        "https://agent.example.com/a\0",
        "https://agent.example.com/\ud800",
        "file:///etc/passwd"
      ]) {
        for (const answer of [
          yield* request("POST", "/instances", { name: "A", agent_url: address }),
          yield* request("PATCH", `/instances/${id}`, { agent_url: address })
        ]) {
          assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body.agent_url"]], address)
        }
      }
      const local = { name: "A", agent_url: "http://localhost:11434" }
      assert.include((yield* request("POST", "/instances", local)).text, "hydracore instance create --site ")
      assert.include(
        (yield* request("PATCH", `/instances/${id}`, local)).text,
        `hydracore instance update --instance ${id} --agent-url`
      )
      const internalFields = {
        agent_key_env: "DATABASE_URL",
        agentKeyEnv: "DATABASE_URL",
        website_config_id: randomUUID(),
        websiteConfigId: randomUUID(),
        guarded: false,
        isGuarded: false,
        instance_id: randomUUID(),
        instanceId: randomUUID()
      }
      yield* request("PATCH", `/instances/${id}`, internalFields)
      const second = JSON.parse(
        (yield* request("POST", "/instances", { name: "B", agent_url: url, ...internalFields })).text
      )
      assert.notInclude([internalFields.instance_id, internalFields.instanceId], second.instance_id)
      const before = yield* stored(id)
      for (const instance of [before, yield* stored(second.instance_id)]) {
        assert.isNull(instance.agent_key_env)
        assert.isTrue(instance.guarded)
        assert.strictEqual(instance.website_config_id, before.website_config_id)
      }
      for (const [member, value] of [
        ["agent_key", ""],
        ["agent_key", "a\r\nx: y"],
        ["agent_key_header", "host"],
        ["agent_key_header", "a b"],
        ["agent_key_header", "User-Agent"],
        ["agent_body", {}],
        ["agent_body", '{"temperature": 0.2}'],
        ["agent_body", { model: "m" }],
        ["agent_body", { messages: [] }],
        ["agent_body", { "a b": 1 }],
        ["agent_body", { a: "x".repeat(InstanceInput.limits.body) }],
        ["agent_headers", {}],
        ["agent_headers", ["x-a: 1"]],
        ["agent_headers", { Authorization: "Bearer a" }],
        ["agent_headers", { "x-a": "1\r\nx-b: 2" }],
        ["agent_headers", { "x-a": "1", "X-A": "2" }],
        ["agent_headers", { "x-a": 1 }],
        ["agent_headers", { host: "a.example" }],
        ["agent_protocol", "soap"],
        ["memory", "none"],
        ["history", 0],
        ["history", 501],
        ["max_tokens", "5"],
        ["daily_tokens", 1.5],
        ["instructions", "x".repeat(32_001)]
      ] as const) {
        const answer = yield* request("PATCH", `/instances/${id}`, { [member]: value })
        assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, [`body.${member}`]], member)
      }
    })
  )

  it.effect("a changed URL gets no key that was meant for the previous URL, and is guarded", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
        instances.create({
          name: "Operator's",
          agent_url: "http://10.0.0.9:9000",
          agent_key_env: "AGENT_KEY",
          website_config_id: site.websiteConfigId
        })
      )
      const path = `/instances/${instanceId}`
      const answer = yield* request("GET", path)
      assert.deepInclude(JSON.parse(answer.text), { agent_url: null, agent_key: "operator" })
      assert.notInclude(answer.text, "10.0.0.9")
      yield* request("PATCH", path, { name: "Renamed" })
      assert.deepInclude(yield* stored(instanceId), { name: "Renamed", agent_key_env: "AGENT_KEY", guarded: false })
      const dearer = yield* request("PATCH", path, { name: "Dearer", max_tokens: 1_000_000 })
      assert.strictEqual(dearer.status, 422)
      assert.deepStrictEqual(locationsOf(dearer.text), ["body.max_tokens"])
      for (const reserved of [{ memory: "agent" }, { agent_key_header: "x-key" }]) {
        const answer = yield* request("PATCH", path, reserved)
        assert.deepStrictEqual(locationsOf(answer.text), [`body.${Object.keys(reserved)[0]}`])
      }
      assert.deepInclude(yield* stored(instanceId), { name: "Renamed", max_tokens: 4096 })
      yield* request("PATCH", path, { agent_url: url })
      assert.deepInclude(yield* stored(instanceId), { agent_url: url, agent_key_env: null, guarded: true })
      yield* request("PATCH", path, { agent_key: "sk-2" })
      assert.strictEqual(yield* agentKeyOf(instanceId), "sk-2")
      yield* request("PATCH", path, { agent_url: url, name: "Same address" })
      assert.strictEqual(yield* agentKeyOf(instanceId), "sk-2")
      const otherUrl = "https://elsewhere.example"
      yield* request("PATCH", path, { agent_url: otherUrl })
      assert.isNull(yield* agentKeyOf(instanceId))
      yield* request("PATCH", path, { agent_url: url, agent_key: "sk-3" })
      assert.strictEqual(yield* agentKeyOf(instanceId), "sk-3")
      yield* request("PATCH", path, { agent_key: null })
      assert.isNull(yield* agentKeyOf(instanceId))
    })
  )

  it.effect("additions to requests are stored encrypted, shown by name only, and kept from another URL", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const created = yield* request("POST", "/instances", {
        ...{ name: "A", agent_url: url, agent_key: "sk-1" },
        ...{
          agent_body: { temperature: 0.2, prompt: { id: "secret-id" } },
          agent_headers: { "X-Title": "secret-title" }
        }
      })
      assert.notInclude(created.text, "secret-")
      const { instance_id: id, ...facts } = JSON.parse(created.text)
      assert.deepInclude(facts, { agent_body_fields: ["temperature", "prompt"], agent_header_names: ["x-title"] })
      const path = `/instances/${id}`
      assert.deepStrictEqual(yield* additionsOf(id), {
        body: { temperature: 0.2, prompt: { id: "secret-id" } },
        headers: { "x-title": "secret-title" }
      })
      assert.notInclude(JSON.stringify(yield* stored(id)), "secret-")
      yield* request("PATCH", path, { agent_body: null })
      assert.deepStrictEqual(yield* additionsOf(id), { body: null, headers: { "x-title": "secret-title" } })
      assert.strictEqual(yield* agentKeyOf(id), "sk-1")
      yield* request("PATCH", path, { agent_body: { seed: 1 }, agent_key: "sk-2" })
      assert.deepStrictEqual(yield* additionsOf(id), { body: { seed: 1 }, headers: { "x-title": "secret-title" } })
      const moved = yield* request("PATCH", path, {
        agent_url: "https://elsewhere.example",
        agent_body: { seed: 2 }
      })
      assert.deepInclude(JSON.parse(moved.text), { agent_body_fields: ["seed"], agent_header_names: [] })
      assert.deepStrictEqual(yield* additionsOf(id), { body: { seed: 2 }, headers: null })

      const operators = {
        name: "O",
        agent_url: url,
        agent_key_env: "AGENT_KEY",
        website_config_id: site.websiteConfigId
      }
      const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) => instances.create(operators))
      for (const change of [{ agent_body: { n: 9 } }, { agent_headers: { "x-tier": "dear" } }]) {
        const refused = yield* request("PATCH", `/instances/${instanceId}`, change)
        assert.deepStrictEqual(locationsOf(refused.text), [`body.${Object.keys(change)[0]}`])
      }
    })
  )

  it.effect(
    "a URL that is changed and changed back within a moment is stored with the key that was given with it",
    () =>
      Effect.gen(function* () {
        const { request } = yield* opened
        const created = yield* request("POST", "/instances", { name: "A", agent_url: url, agent_key: "sk-1" })
        const { instance_id: id } = JSON.parse(created.text)
        const other = "https://other.example.com/v1"
        yield* request("PATCH", `/instances/${id}`, { agent_url: other, agent_key: "sk-other" })
        const restored = yield* request("PATCH", `/instances/${id}`, { agent_url: url, agent_key: "sk-2" })
        assert.strictEqual(JSON.parse(restored.text).agent_url, url)
        assert.deepStrictEqual([(yield* stored(id)).agent_url, yield* agentKeyOf(id)], [url, "sk-2"])
      })
  )

  it.effect("a website has a bounded number of instances", () =>
    Effect.gen(function* () {
      const { request, site } = yield* opened
      const { websiteConfigId } = site
      yield* InstanceDirectory.use((instances) =>
        Effect.replicateEffect(
          instances.create({ name: "A", agent_url: url, website_config_id: websiteConfigId }),
          Maximums.instances.max
        )
      )
      const answer = yield* request("POST", "/instances", { name: "A", agent_url: url })
      assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body"]])
    })
  )
})

layer(testServer(), { excludeTestServices: true })("instances without SECRETS_KEY", (it) => {
  it.effect("keep no key, and say what to set", () =>
    Effect.gen(function* () {
      const { request } = yield* opened
      const answer = yield* request("POST", "/instances", { name: "A", agent_url: url, agent_key: "sk-1" })
      assert.deepStrictEqual([answer.status, locationsOf(answer.text)], [422, ["body.agent_key"]])
      assert.include(answer.text, "SECRETS_KEY")
      assert.strictEqual((yield* request("POST", "/instances", { name: "A", agent_url: url })).status, 200)
    })
  )
})
