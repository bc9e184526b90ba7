/**
 * The endpoints about all websites of a caller, over HTTP.
 */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import { ConversationId, type WebsiteConfigId } from "../../src/platform/Id.ts"
import type { Scope } from "../../src/sites/access/Access.ts"
import { OwnerKeys } from "../../src/sites/access/OwnerKey.ts"
import type { Site } from "../../src/sites/Site.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { beginAnswer } from "../support/Conversations.ts"
import { send } from "../support/OwnerRequests.ts"
import * as SubmissionDrafts from "../support/SubmissionDraft.ts"
import { paths, TestServer, onPostgres as testServer } from "../support/TestServer.ts"
import { view } from "../support/TestStorage.ts"
import { poll } from "../support/Wait.ts"

const day = 86_400_000

const newSite = (name: string) =>
  SiteDirectory.use((sites) => sites.create({ name, origins: [], timeZone: "UTC" })).pipe(Effect.orDie)

const submit = Effect.fnUntraced(function* (
  { websiteConfigId }: Site,
  more: Parameters<typeof SubmissionDrafts.make>[1] = {}
) {
  const draft = SubmissionDrafts.make(websiteConfigId, more)
  yield* SubmissionRepo.use((repo) => repo.submit(draft))
  return draft.submissionId
}, Effect.orDie)

/** Stores the views of visitors, each a visitor of its own, at noon some days ago in UTC. */
const visit = Effect.fnUntraced(function* ({ hostedWebsiteId }: Site, daysAgo: number, visitors: number) {
  const now = yield* Clock.currentTimeMillis
  const receivedAt = now - (now % day) - daysAgo * day + day / 2
  for (let visitor = 0; visitor < visitors; visitor++) {
    yield* AnalyticsRepo.use((repo) =>
      repo.append({ ...view(0, visitor, hostedWebsiteId), receivedAt, exclusion: null })
    )
  }
}, Effect.orDie)

/** Sends a GET request with a new key for some websites. Returns its status and JSON. */
const get = Effect.fnUntraced(function* (scope: Scope, sites: ReadonlyArray<WebsiteConfigId>, path: string) {
  const { url } = yield* TestServer
  const issued = yield* OwnerKeys.use((keys) => keys.issue({ scope, sites, label: null, expiresAt: null }))
  const { key } = yield* Effect.fromOption(issued)
  const { status, text } = yield* send(url, path, { key })
  return { status, json: JSON.parse(text) }
}, Effect.orDie)

layer(testServer(), { excludeTestServices: true })("the endpoints about all websites", (it) => {
  it.effect("list the websites with their figures, those that need attention first, also in later parts", () =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      const [quiet, visited, written] = [yield* newSite("Quiet"), yield* newSite("Visited"), yield* newSite("Written")]
      yield* visit(visited, 1, 3)
      yield* visit(visited, 2, 2)
      yield* visit(visited, 3, 7)
      yield* submit(written)
      yield* submit(written)
      yield* submit(written, { status: "quarantined" })
      const ids = [quiet, visited, written].map(({ websiteConfigId }) => websiteConfigId)
      const first = yield* get("read", ids, "/v1/owner/attention?limit=2")
      const rest = yield* get("read", ids, `/v1/owner/attention?limit=2&cursor=${first.json.next}`)
      const yesterday = new Date(now - day).toISOString().slice(0, 10)
      const common = {
        time_zone: "UTC",
        needs_attention: false,
        unread: 0,
        waiting: 0,
        problems: [],
        last_seen_at: null
      }
      const visitors = { day: yesterday, visitors: 0, before: 0, change: 0 }
      const listed: ReadonlyArray<{ readonly name: string } & Record<string, unknown>> = [
        ...first.json.sites,
        ...rest.json.sites
      ]
      assert.strictEqual(listed[0]?.name, "Written")
      assert.deepStrictEqual(
        // The other two may have been created in the same millisecond: then their ids say which comes first.
        listed.toSorted((left, right) => (left.name < right.name ? -1 : 1)),
        [
          { ...common, site_id: ids[0], name: "Quiet", visitors },
          {
            ...common,
            site_id: ids[1],
            name: "Visited",
            visitors: { day: yesterday, visitors: 3, before: 2, change: 50 },
            last_seen_at: new Date(now - (now % day) - day / 2).toISOString()
          },
          { ...common, site_id: ids[2], name: "Written", needs_attention: true, visitors, unread: 2 }
        ]
      )
      assert.isNull(rest.json.next)
      const counts = yield* get("read", ids, "/v1/owner/attention/counts")
      assert.deepStrictEqual(counts.json, { unread: 2, waiting: 0 })
      const ofOne = yield* get("read", ids, `/v1/owner/attention/counts?site_id=${ids[0]}`)
      assert.deepStrictEqual(ofOne.json, { unread: 0, waiting: 0 })
    })
  )

  it.effect("come in the order of what is broken, who waits, what is new, and what may be no fault", () =>
    Effect.gen(function* () {
      const names = ["Quiet", "Refusing", "Abandoned", "Written later", "Written", "Asked", "Broken"]
      const sites = yield* Effect.forEach(names, newSite)
      const [, refusing, abandoned, later, written, asked, broken] = sites
      if (abandoned === undefined || later === undefined || written === undefined) return assert.fail()
      if (asked === undefined || broken === undefined) return assert.fail()
      if (refusing === undefined) return assert.fail()
      yield* visit(abandoned, 40, 1)
      yield* visit(broken, 5, 1)
      yield* submit(written, { receivedAt: Date.UTC(2026, 10, 1) })
      yield* submit(later, { receivedAt: Date.UTC(2026, 10, 2) })
      const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
        instances.create({ name: "Guide", agent_url: "http://agent", website_config_id: asked.websiteConfigId })
      ).pipe(Effect.orDie)
      const conversationId = ConversationId.make(randomUUID())
      const answerId = yield* beginAnswer({ instanceId, conversationId }, "Hello?").pipe(Effect.orDie)
      yield* ConversationStore.use((store) =>
        store.complete({ answerId, parts: [], ending: "failed", usage: null })
      ).pipe(Effect.orDie)
      // Anyone can send any origin.
      const server = yield* TestServer
      yield* SiteDirectory.use((directory) =>
        directory.update(refusing.websiteConfigId, { origins: ["https://shop.example"] })
      ).pipe(Effect.orDie)
      for (let time = 0; time < 3; time++) {
        const pageView = { site_id: refusing.trackingToken, page_path: "/" }
        const headers = { origin: "https://stranger.example" }
        assert.strictEqual((yield* server.send(paths.track, pageView, { headers })).status, 403)
      }
      const ids = sites.map(({ websiteConfigId }) => websiteConfigId)
      yield* poll(
        get("read", [refusing.websiteConfigId], "/v1/owner/attention"),
        ({ json }) => json.sites[0].problems.length > 0
      )
      const found: Array<readonly [name: string, needs: boolean, problems: ReadonlyArray<string>]> = []
      for (let next: string | null = ""; next !== null; ) {
        const cursor: string = next === "" ? "" : `&cursor=${next}`
        const { json } = yield* get("read", ids, `/v1/owner/attention?limit=1${cursor}`)
        const [site] = json.sites
        const kinds = site.problems.map(({ kind }: { kind: string }) => kind)
        found.push([site.name, site.needs_attention, kinds])
        next = json.next
      }
      assert.deepStrictEqual(found, [
        ["Broken", true, ["tag_silent"]],
        ["Asked", true, []],
        ["Written", true, []],
        ["Written later", true, []],
        ["Abandoned", true, ["tag_silent"]],
        ["Refusing", true, ["origin_refused"]],
        ["Quiet", false, []]
      ])
    })
  )

  it.effect("show a caller with the scope `stats` only figures, and the order tells it nothing", () =>
    Effect.gen(function* () {
      // Of two websites that were created in the same millisecond, the one with the smaller id comes first.
      const [first, last] = [yield* newSite("One"), yield* newSite("Other")].sort(
        (one, other) => one.createdAt - other.createdAt || (one.websiteConfigId < other.websiteConfigId ? -1 : 1)
      )
      if (first === undefined || last === undefined) return assert.fail()
      yield* submit(last)
      const ids = [first, last].map(({ websiteConfigId }) => websiteConfigId)
      const { json } = yield* get("stats", ids, "/v1/owner/attention")
      assert.deepStrictEqual(
        json.sites.map(({ name, needs_attention, unread }: Record<string, unknown>) => [name, needs_attention, unread]),
        [
          [first.name, false, null],
          [last.name, false, null]
        ]
      )
      for (const path of ["/v1/owner/attention/counts", "/v1/owner/submissions", "/v1/owner/conversations"]) {
        assert.strictEqual((yield* get("stats", ids, path)).status, 404, path)
      }
    })
  )

  it.effect("list the submissions of all websites of the caller, or of one of them, and of no others", () =>
    Effect.gen(function* () {
      const [one, two, foreign] = [yield* newSite("One"), yield* newSite("Two"), yield* newSite("Foreign")]
      const at = (minute: number) => ({ receivedAt: Date.UTC(2026, 10, 1, 0, minute) })
      const [first, second, third] = [yield* submit(one, at(1)), yield* submit(two, at(2)), yield* submit(one, at(3))]
      const hidden = yield* submit(foreign, at(4))
      const ids = [one, two].map(({ websiteConfigId }) => websiteConfigId)
      const found = Effect.fnUntraced(function* (query: string) {
        const { json, status } = yield* get("read", ids, `/v1/owner/submissions${query}`)
        assert.strictEqual(status, 200, query)
        assert.notInclude(JSON.stringify(json), hidden)
        return {
          ids: json.submissions.map(({ submission_id }: { submission_id: string }) => submission_id),
          sites: json.submissions.map(({ site }: { site: { name: string } }) => site.name),
          next: json.next
        }
      })
      assert.deepStrictEqual(yield* found(""), {
        ids: [third, second, first],
        sites: ["One", "Two", "One"],
        next: null
      })
      const part = yield* found("?limit=2")
      assert.deepStrictEqual(part.ids, [third, second])
      assert.deepStrictEqual((yield* found(`?cursor=${part.next}`)).ids, [first])
      assert.deepStrictEqual((yield* found(`?site_id=${two.websiteConfigId}`)).ids, [second])
      assert.deepStrictEqual((yield* found("?read=false&status=accepted&to=2026-10-31")).ids, [])
      const other = yield* get("read", ids, `/v1/owner/submissions?site_id=${foreign.websiteConfigId}`)
      const unknown = yield* get("read", ids, "/v1/owner/submissions?site_id=00000000-0000-4000-8000-000000000000")
      assert.deepStrictEqual(other, unknown)
      assert.strictEqual(other.status, 404)
    })
  )

  it.effect("list the conversations of all websites of the caller, or of one of them, and of no others", () =>
    Effect.gen(function* () {
      const sites = [yield* newSite("One"), yield* newSite("Two"), yield* newSite("Foreign")]
      const begun: Array<string> = []
      for (const { name, websiteConfigId } of sites) {
        const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
          instances.create({ name: `Guide of ${name}`, agent_url: "http://agent", website_config_id: websiteConfigId })
        ).pipe(Effect.orDie)
        const conversationId = ConversationId.make(randomUUID())
        const answerId = yield* beginAnswer({ instanceId, conversationId }, `Of ${name}?`).pipe(Effect.orDie)
        const ending = name === "Two" ? ("failed" as const) : ("stop" as const)
        yield* ConversationStore.use((store) =>
          store.complete({ answerId, parts: [{ type: "text", text: "Yes" }], ending, usage: null })
        ).pipe(Effect.orDie)
        begun.push(conversationId)
      }
      const [one, two, foreign] = sites.map(({ websiteConfigId }) => websiteConfigId)
      if (one === undefined || two === undefined) return assert.fail()
      const found = Effect.fnUntraced(function* (query: string) {
        const { json, status } = yield* get("read", [one, two], `/v1/owner/conversations${query}`)
        assert.strictEqual(status, 200, query)
        assert.notInclude(JSON.stringify(json), `${begun[2]}`)
        return json
      })
      const all = yield* found("")
      assert.deepStrictEqual(
        all.conversations.map(
          ({ instance, preview, site }: Record<"instance" | "site", { name: string }> & { preview: string }) => [
            site.name,
            instance.name,
            preview
          ]
        ),
        [
          ["Two", "Guide of Two", "Of Two?"],
          ["One", "Guide of One", "Of One?"]
        ]
      )
      const part = yield* found("?limit=1")
      assert.strictEqual((yield* found(`?limit=1&cursor=${part.next}`)).conversations[0].conversation_id, begun[0])
      assert.strictEqual((yield* found("?waiting=true")).conversations[0].conversation_id, begun[1])
      assert.lengthOf((yield* found("?waiting=true")).conversations, 1)
      assert.strictEqual((yield* found(`?site_id=${one}`)).conversations[0].conversation_id, begun[0])
      const counts = yield* get("read", [one, two], "/v1/owner/attention/counts")
      assert.deepStrictEqual(counts.json, { unread: 0, waiting: 1 })
      const other = yield* get("read", [one, two], `/v1/owner/conversations?site_id=${foreign}`)
      assert.strictEqual(other.status, 404)
      const wrong = yield* get("read", [one, two], "/v1/owner/conversations?cursor=1.x")
      assert.strictEqual(wrong.status, 422)
    })
  )
})
