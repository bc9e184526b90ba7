/** The operator's groups for instances and widget tokens, of all websites and of none. */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Redacted, Stream } from "effect"
import * as ScriptedAgent from "../../../src/chat/AgentStream.ts"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import * as Question from "../../../src/chat/Question.ts"
import { Client, textOf } from "../../../src/cli/client/Client.ts"
import { InstanceId } from "../../../src/platform/Id.ts"
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
      const instances = yield* operator("instances")
      const created = yield* instances.create({
        payload: { name: "A", agent_url: "http://10.0.0.1:9000", agent_key_env: "KEY", agent_body: { n: 1 } }
      })
      assert.deepInclude(created, {
        website_config_id: null,
        agent_url: "http://10.0.0.1:9000",
        agent_key: "operator",
        agent_key_env: "KEY",
        agent_body_fields: ["n"],
        guarded: false
      })
      const params = { instance_id: created.instance_id }
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const moved = yield* instances.update({
        params,
        payload: { website_config_id: site.websiteConfigId, agent_key_env: null }
      })
      assert.deepStrictEqual(moved, {
        ...created,
        website_config_id: site.websiteConfigId,
        agent_key: null,
        agent_key_env: null
      })
      assert.deepStrictEqual(yield* instances.list({ query: { site_id: site.websiteConfigId } }), {
        instances: [moved]
      })
      assert.deepStrictEqual(yield* instances.read({ params }), moved)
      assert.deepInclude(yield* instances.test({ params }), { _tag: "Answered", text: "O" })

      const issued = yield* instances.issueToken({ params, payload: { label: "Shop" } })
      const listed = yield* instances.listTokens({ params, query: {} })
      assert.deepStrictEqual(
        listed.tokens.map(({ label, token, token_id }) => ({ label, token, token_id })),
        [{ label: "Shop", token: issued.token, token_id: issued.token_id }]
      )
      yield* instances.revokeToken({ params: { token_id: issued.token_id } })
      assert.isNull((yield* instances.listTokens({ params, query: {} })).tokens[0]?.token)

      yield* instances.delete({ params })
      const unknown = { instance_id: InstanceId.make("00000000-0000-4000-8000-000000000000") }
      for (const failing of [
        instances.read({ params }),
        instances.update({ params, payload: { name: "B" } }),
        instances.delete({ params }),
        instances.test({ params: unknown }),
        instances.issueToken({ params, payload: {} }),
        instances.listTokens({ params, query: {} }),
        instances.revokeToken({ params: { token_id: issued.token_id } })
      ]) {
        assert.strictEqual((yield* Effect.flip<unknown, { readonly _tag: string }, never>(failing))._tag, "NotFound")
      }
    })
  )

  it.effect("moves no instance to a website that has the maximum, and says so", () =>
    Effect.gen(function* () {
      const { operator } = yield* Client
      const instances = yield* operator("instances")
      const site = yield* SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const payload = { name: "Shop", agent_url: "http://10.0.0.1:9000" }
      const { instance_id } = yield* instances.create({ payload })
      const ofSite = { website_config_id: site.websiteConfigId }
      yield* Effect.replicateEffect(instances.create({ payload: { ...payload, ...ofSite } }), Maximums.instances.max)
      const refusal = yield* Effect.flip(instances.update({ params: { instance_id }, payload: ofSite }))
      assert.include(JSON.stringify(refusal), Maximums.message(Maximums.instances))
    })
  )

  it.effect("reads and deletes a conversation, also by the id that its client made", () =>
    Effect.gen(function* () {
      const { operator } = yield* Client
      const conversations = yield* operator("conversations")
      const store = yield* ConversationStore
      const key = yield* newKey
      const clientId = "made by the client of the chat"
      const other = { ...key, conversationId: Question.ofClientId(yield* store.hashKey, key.instanceId, clientId) }
      for (const one of [key, other]) yield* beginAnswer(one, "Hello")
      const params = { instance_id: key.instanceId }
      const { conversations: listed } = yield* conversations.list({ params, query: {} })
      assert.sameMembers(
        listed.map(({ conversation_id }) => conversation_id),
        [key.conversationId, other.conversationId]
      )
      const exported = (query: { readonly from?: string }) =>
        Stream.mkString(textOf(conversations.export({ params, query })))
      assert.lengthOf((yield* exported({})).trim().split("\n"), 2)
      assert.strictEqual(yield* exported({ from: "2200-01-01" }), "")
      for (const [id, stored] of [
        [key.conversationId, key.conversationId],
        [clientId, other.conversationId]
      ] as const) {
        const ofOne = { params: { ...params, conversation_id: id } }
        assert.strictEqual((yield* conversations.read(ofOne)).conversation_id, stored)
        yield* conversations.delete(ofOne)
        assert.strictEqual((yield* Effect.flip(conversations.read(ofOne)))._tag, "NotFound")
        assert.strictEqual((yield* Effect.flip(conversations.delete(ofOne)))._tag, "NotFound")
      }
    })
  )
})
