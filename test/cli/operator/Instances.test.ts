/** The operator's groups for instances and widget tokens, of all websites and of none. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import * as ScriptedAgent from "../../../src/chat/AgentStream.ts"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import * as Question from "../../../src/chat/Question.ts"
import { Client } from "../../../src/cli/client/Client.ts"
import * as Operator from "../../../src/cli/operator/Operator.ts"
import { InstanceId } from "../../../src/platform/Id.ts"
import * as Errors from "../../../src/sites/access/Errors.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import { beginAnswer, newKey } from "../../support/Conversations.ts"
import * as Storages from "../../support/Storages.ts"
import { clientOf } from "../../support/TestCli.ts"

const agent = ScriptedAgent.layerScripted(() => ScriptedAgent.texts(["OK"]))

const live = Layer.unwrap(
  Effect.map(Effect.context<Layer.Success<ReturnType<typeof Storages.postgres>>>(), (context) =>
    clientOf(Layer.succeedContext(context), agent, Redacted.make(new Uint8Array(32)))
  )
).pipe(Layer.provideMerge(Storages.postgres()))

layer(live, { excludeTestServices: true })("the operator's API", (it) => {
  it.effect("creates, changes, tests and deletes an instance without a website, and its tokens", () =>
    Effect.gen(function* () {
      const { operator } = yield* Client
      const instances = yield* operator(Operator.instances)
      const created = yield* instances.create({
        name: "A",
        agent_url: "http://10.0.0.1:9000",
        agent_key_env: "KEY",
        agent_body: { n: 1 }
      })
      assert.deepInclude(created, {
        website_config_id: null,
        agent_url: "http://10.0.0.1:9000",
        agent_key: "operator",
        agent_key_env: "KEY",
        agent_body_fields: ["n"],
        guarded: false
      })
      const { instance_id } = created
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const moved = yield* instances.update(instance_id, {
        website_config_id: site.websiteConfigId,
        agent_key_env: null
      })
      assert.deepStrictEqual(moved, {
        ...created,
        website_config_id: site.websiteConfigId,
        agent_key: null,
        agent_key_env: null
      })
      assert.deepStrictEqual(yield* instances.list(site.websiteConfigId), {
        instances: [moved]
      })
      assert.deepInclude(yield* instances.test(instance_id), { _tag: "Answered", text: "O" })

      const issued = yield* instances.issueToken(instance_id, { label: "Shop" })
      const listed = yield* instances.listTokens(instance_id, {})
      assert.deepStrictEqual(
        listed.tokens.map(({ label, token, token_id }) => ({ label, token, token_id })),
        [{ label: "Shop", token: issued.token, token_id: issued.token_id }]
      )
      yield* instances.revokeToken(issued.token_id)
      assert.isNull((yield* instances.listTokens(instance_id, {})).tokens[0]?.token)

      yield* instances.delete(instance_id)
      const unknown = InstanceId.make("00000000-0000-4000-8000-000000000000")
      for (const failing of [
        instances.update(instance_id, { name: "B" }),
        instances.delete(instance_id),
        instances.test(unknown),
        instances.issueToken(instance_id, {}),
        instances.listTokens(instance_id, {}),
        instances.revokeToken(issued.token_id)
      ]) {
        assert.strictEqual((yield* Effect.flip<unknown, { readonly _tag: string }, never>(failing))._tag, "NotFound")
      }
    })
  )

  it.effect("moves no instance to a website that has the maximum, and says so", () =>
    Effect.gen(function* () {
      const { operator } = yield* Client
      const instances = yield* operator(Operator.instances)
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const payload = { name: "Shop", agent_url: "http://10.0.0.1:9000" }
      const { instance_id } = yield* instances.create(payload)
      const ofSite = { website_config_id: site.websiteConfigId }
      yield* Effect.replicateEffect(instances.create({ ...payload, ...ofSite }), Maximums.instances.max)
      const refusal = yield* Effect.flip(instances.update(instance_id, ofSite))
      assert.include(JSON.stringify(Errors.sent(refusal)), Maximums.message(Maximums.instances))
    })
  )

  it.effect("reads and deletes a conversation, also by the id that its client made", () =>
    Effect.gen(function* () {
      const { operator } = yield* Client
      const conversations = yield* operator(Operator.conversations)
      const store = yield* ConversationStore
      const key = yield* newKey
      const clientId = "made by the client of the chat"
      const other = { ...key, conversationId: Question.ofClientId(yield* store.hashKey, key.instanceId, clientId) }
      for (const one of [key, other]) yield* beginAnswer(one, "Hello")
      const { conversations: listed } = yield* conversations.list(key.instanceId, { limit: 50 })
      assert.sameMembers(
        listed.map(({ conversation_id }) => conversation_id),
        [key.conversationId, other.conversationId]
      )
      const exported = (query: { readonly from?: string }) =>
        Stream.mkString(Stream.unwrap(conversations.export(key.instanceId, query)))
      assert.lengthOf((yield* exported({})).trim().split("\n"), 2)
      assert.strictEqual(yield* exported({ from: "2200-01-01" }), "")
      for (const [id, stored] of [
        [key.conversationId, key.conversationId],
        [clientId, other.conversationId]
      ] as const) {
        const { instanceId } = key
        assert.strictEqual((yield* conversations.read(instanceId, id)).conversation_id, stored)
        yield* conversations.delete(instanceId, id)
        assert.strictEqual((yield* Effect.flip(conversations.read(instanceId, id)))._tag, "NotFound")
        assert.strictEqual((yield* Effect.flip(conversations.delete(instanceId, id)))._tag, "NotFound")
      }
    })
  )
})
