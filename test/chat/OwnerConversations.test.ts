/**
 * Conversations over HTTP: lists, transcripts, exports and deletions. Conversations of other websites are a 404.
 */

import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as Id from "../../src/platform/Id.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { at } from "../suites/VisitorSalts.ts"
import { newCookie, send } from "../support/OwnerRequests.ts"
import { TestServer, onPostgres as testServer } from "../support/TestServer.ts"

/** A website with an instance, and a session that may change the website. */
const newWebsite = Effect.gen(function* () {
  const { url } = yield* TestServer
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "A", origins: [] })).pipe(Effect.orDie)
  const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "Bot", agent_url: "http://agent", website_config_id: site.websiteConfigId })
  ).pipe(Effect.orDie)
  const cookie = yield* newCookie("owner", [site.websiteConfigId])
  const base = `/v1/owner/sites/${site.websiteConfigId}/instances`
  const request = (method: string, path: string) => send(url, `${base}${path}`, { cookie, init: { method } })
  return {
    instanceId,
    get: (path: string) => request("GET", path),
    open: (path: string) => request("POST", `${path}/opened`),
    remove: (path: string) => request("DELETE", path),
    /** How many conversations wait. */
    count: Effect.map(
      send(url, `/v1/owner/attention/counts?site_id=${site.websiteConfigId}`, { cookie }),
      ({ text }): number => JSON.parse(text).waiting
    )
  }
})

/** Stores a conversation of one question and its answer. An empty answer is stored as failed. Any other answer is rated. */
const storeConversation = (instanceId: Id.InstanceId, question: string, answer: string, time: number) =>
  Effect.gen(function* () {
    const store = yield* ConversationStore
    const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
    const [messageId, answerId] = [Id.MessageId.make(randomUUID()), Id.MessageId.make(randomUUID())]
    yield* store.begin({ key, answerId, message: { messageId, text: question } })
    const parts = answer === "" ? [] : [{ type: "text" as const, text: answer }]
    yield* store.complete({ answerId, parts, ending: answer === "" ? "failed" : "stop", usage: null })
    if (answer !== "") yield* store.rate({ key, messageId: answerId, rating: "up", comment: "Thanks" })
    return { id: key.conversationId, messageId, answerId }
  }).pipe(Effect.orDie, at(time))

/** A website with an instance that has two conversations: the first is answered and rated, the second has no answer. */
const withConversations = Effect.gen(function* () {
  const website = yield* newWebsite
  const first = yield* storeConversation(website.instanceId, "Where?", "Here", 1000)
  const second = yield* storeConversation(website.instanceId, "When?", "", 2000)
  return { ...website, path: `/${website.instanceId}/conversations`, first, second }
})

const time = (millis: number) => new Date(millis).toISOString()

/** The ids of a list of conversations. */
const listedIds = (text: string) =>
  (JSON.parse(text).conversations as ReadonlyArray<{ readonly conversation_id: string }>).map(
    ({ conversation_id }) => conversation_id
  )

/** The conversations of an export in NDJSON. */
const linesOf = (text: string): ReadonlyArray<{ readonly conversation_id: string }> =>
  text.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line)]))

layer(testServer(), { excludeTestServices: true })("conversations", (it) => {
  it.effect("lists the website's instances", () =>
    Effect.gen(function* () {
      const { get, instanceId } = yield* newWebsite
      assert.deepStrictEqual(JSON.parse((yield* get("")).text), {
        instances: [
          {
            instance_id: instanceId,
            name: "Bot",
            memory: "edge",
            agent_protocol: "openai-chat",
            agent_model: null,
            origins: []
          }
        ]
      })
    })
  )

  it.effect("lists conversations in parts, the latest first, and filters them", () =>
    Effect.gen(function* () {
      const { first, get, path, second } = yield* withConversations
      const part = JSON.parse((yield* get(`${path}?limit=1`)).text)
      assert.deepStrictEqual(part.conversations, [
        {
          conversation_id: second.id,
          created_at: time(2000),
          updated_at: time(2000),
          page: null,
          source: null,
          country: null,
          waiting: true,
          messages: 2,
          preview: "When?",
          unanswered: 1,
          up: 0,
          down: 0
        }
      ])
      for (const [query, expected] of [
        [`?limit=1&cursor=${part.next}`, [first.id]],
        ["?unanswered=true", [second.id]],
        ["?waiting=true", [second.id]],
        ["?rating=up", [first.id]],
        ["?rating=down", []],
        ["?search=HERE", [first.id]],
        ["?search=whe", [second.id, first.id]],
        ["?from=1970-01-01&to=1970-01-01", [second.id, first.id]],
        ["?from=1970-01-02", []],
        ["?to=1969-12-31", []]
      ] as const) {
        assert.deepStrictEqual(listedIds((yield* get(`${path}${query}`)).text), [...expected], query)
      }
    })
  )

  it.effect("returns a conversation with all its messages, alone and in an export", () =>
    Effect.gen(function* () {
      const { first, get, instanceId, path } = yield* withConversations
      const expected = {
        conversation_id: first.id,
        created_at: time(1000),
        updated_at: time(1000),
        page: null,
        source: null,
        country: null,
        messages: [
          { id: first.messageId, role: "user", created_at: time(1000), parts: [{ type: "text", text: "Where?" }] },
          {
            id: first.answerId,
            role: "assistant",
            created_at: time(1000),
            parts: [{ type: "text", text: "Here" }],
            ending: "stop",
            rating: "up",
            comment: "Thanks"
          }
        ]
      }
      assert.deepStrictEqual(JSON.parse((yield* get(`${path}/${first.id}`)).text), {
        ...expected,
        waiting: false,
        opened_at: null,
        opened_by: null
      })
      const exported = yield* get(`/${instanceId}/export`)
      assert.strictEqual(exported.headers.get("content-type"), "application/x-ndjson")
      assert.deepStrictEqual(linesOf(exported.text)[0], expected)
    })
  )

  it.effect("exports the conversations that a filter selects, the oldest first", () =>
    Effect.gen(function* () {
      const { first, get, instanceId, second } = yield* withConversations
      for (const [query, expected] of [
        ["", [first.id, second.id]],
        ["?from=1970-01-01&to=1970-01-01&rating=up", [first.id]],
        ["?search=when", [second.id]],
        ["?unanswered=true&from=1970-01-02", []]
      ] as const) {
        const { text } = yield* get(`/${instanceId}/export${query}`)
        const exportedIds = linesOf(text).map(({ conversation_id }) => conversation_id)
        assert.deepStrictEqual(exportedIds, [...expected], query)
      }
    })
  )

  it.effect("stores that a conversation was opened, which then waits for nobody", () =>
    Effect.gen(function* () {
      const { count, first, get, instanceId, open, path, second } = yield* withConversations
      const other = yield* newWebsite
      assert.deepStrictEqual([yield* count, yield* other.count], [1, 0])
      assert.strictEqual((yield* other.open(`/${instanceId}/conversations/${second.id}`)).status, 404)
      assert.strictEqual(JSON.parse((yield* get(`${path}/${second.id}`)).text).waiting, true)
      assert.strictEqual((yield* open(`${path}/${second.id}`)).status, 204)
      const { opened_at, waiting: waits } = JSON.parse((yield* get(`${path}/${second.id}`)).text)
      assert.isFalse(waits)
      assert.isNotNull(opened_at)
      assert.strictEqual(yield* count, 0)
      assert.strictEqual((yield* open(`${path}/${first.id}`)).status, 204)
      assert.strictEqual((yield* open(`${path}/${randomUUID()}`)).status, 404)
    })
  )

  it.effect("deletes a conversation once", () =>
    Effect.gen(function* () {
      const { first, get, path, remove, second } = yield* withConversations
      assert.strictEqual((yield* remove(`${path}/${first.id}`)).status, 204)
      assert.strictEqual((yield* remove(`${path}/${first.id}`)).status, 404)
      assert.deepStrictEqual(listedIds((yield* get(path)).text), [second.id])
    })
  )

  it.effect("conversations of other websites' instances, and of instances without a website, are a 404", () =>
    Effect.gen(function* () {
      const [mine, theirs] = [yield* newWebsite, yield* newWebsite]
      const ownConversation = yield* storeConversation(mine.instanceId, "Where?", "Here", 1000)
      const foreign = yield* storeConversation(theirs.instanceId, "Where?", "Here", 1000)
      const unassigned = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "Free", agent_url: "http://agent" })
      )
      // The text does not tell what exists from what does not.
      for (const paths of [
        [
          `/${theirs.instanceId}/conversations`,
          `/${theirs.instanceId}/export`,
          `/${unassigned.instance_id}/conversations`,
          `/${randomUUID()}/conversations`
        ],
        [
          `/${theirs.instanceId}/conversations/${foreign.id}`,
          `/${mine.instanceId}/conversations/${foreign.id}`,
          `/${randomUUID()}/conversations/${randomUUID()}`
        ]
      ]) {
        const texts = new Set<string>()
        for (const path of paths) {
          const answer = yield* mine.get(path)
          assert.strictEqual(answer.status, 404, path)
          texts.add(answer.text)
        }
        assert.lengthOf([...texts], 1)
      }
      for (const path of [
        `/${theirs.instanceId}/conversations/${foreign.id}`,
        `/${mine.instanceId}/conversations/${foreign.id}`
      ]) {
        assert.strictEqual((yield* mine.remove(path)).status, 404)
      }
      assert.strictEqual((yield* theirs.get(`/${theirs.instanceId}/conversations/${foreign.id}`)).status, 200)
      assert.strictEqual((yield* mine.get(`/${mine.instanceId}/conversations/${ownConversation.id}`)).status, 200)
    })
  )

  it.effect("invalid parameters get a 422 that names their place", () =>
    Effect.gen(function* () {
      const { get, instanceId } = yield* newWebsite
      for (const [path, place] of [
        [`/${instanceId}/conversations?cursor=1.a%20b`, "query.cursor"],
        [`/${instanceId}/conversations?rating=great`, "query.rating"],
        [`/${instanceId}/conversations?unanswered=false`, "query.unanswered"],
        [`/${instanceId}/conversations?from=1970-13-01`, "query.from"],
        [`/${instanceId}/export?to=today`, "query.to"],
        ["/bot/conversations", "path.instance_id"],
        [`/${instanceId}/conversations/a.b`, "path.conversation_id"]
      ] as const) {
        const answer = yield* get(path)
        assert.strictEqual(answer.status, 422, path)
        assert.strictEqual(JSON.parse(answer.text).detail[0].loc.join("."), place)
      }
    })
  )
})
