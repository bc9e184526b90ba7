/**
 * What the demo's feed publishes, and that publishing never waits.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { AnalyticsRepo, layerMemory } from "../../src/analytics/AnalyticsRepo.ts"
import type { PageView } from "../../src/analytics/PageView.ts"
import { viewWithoutFacts } from "../../src/analytics/StoredView.ts"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import { AgentBroken, AgentStream } from "../../src/chat/AgentStream.ts"
import type { AgentRequest } from "../../src/chat/agent/Agent.ts"
import { ofOperator } from "../../src/chat/agent/AgentCheck.ts"
import * as Inspection from "../../src/chat/agent/Inspection.ts"
import * as Instance from "../../src/chat/Instance.ts"
import * as DemoFeed from "../../src/demo/DemoFeed.ts"
import * as DemoSite from "../../src/demo/DemoSite.ts"
import type { SubmissionDraft } from "../../src/forms/Submission.ts"
import * as SubmissionRepo from "../../src/forms/SubmissionRepo.ts"
import { InstanceId, SubmissionId, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Person from "../../src/privacy/Person.ts"

const view: PageView = {
  ...viewWithoutFacts,
  hostedWebsiteId: "5b0c7f0e-3d5e-4f57-8f3a-000000000001",
  receivedAt: 0,
  path: "/a",
  referrerHost: "x.example",
  referrerPath: "/b",
  deviceType: "desktop",
  browser: "Firefox",
  os: "Linux",
  visitorHash: "0".repeat(32)
}

const websiteConfigId = WebsiteConfigId.make("5b0c7f0e-3d5e-4f57-8f3a-000000000002")

const submissionId = (count: number) => SubmissionId.make(`5b0c7f0e-3d5e-4f57-8f3a-${String(count).padStart(12, "0")}`)

const draft = (count: number): SubmissionDraft => ({
  submissionId: submissionId(count),
  websiteConfigId,
  receivedAt: 0,
  email: "ada@example.org",
  pageSlug: "contact",
  formData: '{"name":"Ada","list":[1,2]}',
  status: "accepted",
  reasons: [],
  visitorHashes: [],
  idempotency: { key: "k", fingerprint: "f" }
})

const request: AgentRequest = {
  instance: Instance.make(InstanceId.make("5b0c7f0e-3d5e-4f57-8f3a-000000000003"), { name: "", agent_url: "" }),
  session: "c",
  messages: [{ role: "user", text: "Hello?" }]
}

const script: ScriptedAgent.Script = ({ message }) =>
  message === "break"
    ? Stream.concat(Stream.take(ScriptedAgent.texts(["half"]), 2), Stream.fail(new AgentBroken({ reason: "test" })))
    : ScriptedAgent.texts(["Yes", "."])

const subject: DemoFeed.Subject = {
  hostedWebsiteId: view.hostedWebsiteId,
  websiteConfigId,
  instanceId: request.instance.instance_id
}

/** Runs `use` with a feed on memory services, and returns what the feed published, up to the first page view. */
const publishedBy = <A>(
  use: (
    feed: DemoFeed.DemoFeed
  ) => Effect.Effect<A, never, AnalyticsRepo | SubmissionRepo.SubmissionRepo | AgentStream | Person.Persons>
) =>
  Effect.gen(function* () {
    const feed = yield* DemoFeed.make
    yield* feed.show(subject)
    const persons = Layer.succeed(Person.Persons, {
      records: () => Stream.empty,
      erase: () => Effect.succeed(Person.nothing)
    })
    const below = Layer.mergeAll(
      layerMemory(),
      SubmissionRepo.layerMemory(),
      ScriptedAgent.layerScripted(script),
      persons
    )
    yield* Effect.provide(use(feed), Layer.provide(feed.observers, below))
    const published = yield* Stream.runCollect(Stream.takeUntil(feed.arrivals, ({ type }) => type === "view"))
    return published.map(({ at: _, ...arrival }) => arrival)
  })

const storeView = AnalyticsRepo.use((repo) => Effect.orDie(repo.append(view)))

describe("the demo's feed", () => {
  it.effect("publishes stored records and answers once, in order", () =>
    Effect.gen(function* () {
      const published = yield* publishedBy(() =>
        Effect.gen(function* () {
          const submissions = yield* SubmissionRepo.SubmissionRepo
          yield* Effect.orDie(submissions.submit(draft(1)))
          // A repeated submission is not stored again.
          assert.strictEqual(yield* Effect.orDie(submissions.submit(draft(2))), submissionId(1))
          const agent = yield* AgentStream
          yield* Effect.orDie(Stream.runDrain(agent.stream(request)))
          yield* Effect.exit(Stream.runDrain(agent.stream({ ...request, messages: [{ role: "user", text: "break" }] })))
          yield* storeView
        })
      )
      const chat = "c"
      assert.deepStrictEqual(published, [
        {
          number: 1,
          type: "submission",
          id: submissionId(1),
          page: "contact",
          email: "ada@example.org",
          fields: [
            ["name", "Ada"],
            ["list", "[1,2]"]
          ]
        },
        { number: 2, type: "question", chat, text: "Hello?" },
        { number: 3, type: "token", chat, text: "Yes" },
        { number: 4, type: "token", chat, text: "." },
        { number: 5, type: "answered", chat, isWhole: true },
        { number: 6, type: "question", chat, text: "break" },
        { number: 7, type: "token", chat, text: "half" },
        { number: 8, type: "answered", chat, isWhole: false },
        {
          number: 9,
          type: "view",
          path: "/a",
          referrer: "x.example/b",
          device: "desktop",
          browser: "Firefox",
          os: "Linux",
          country: null,
          campaign: null,
          exclusion: null
        }
      ])
    })
  )

  it.effect("publishes nothing about other websites and instances, and no test of the agent", () =>
    Effect.gen(function* () {
      const other = WebsiteConfigId.make("5b0c7f0e-3d5e-4f57-8f3a-0000000000ff")
      const published = yield* publishedBy(() =>
        Effect.gen(function* () {
          yield* SubmissionRepo.SubmissionRepo.use((repo) =>
            Effect.orDie(repo.submit({ ...draft(1), websiteConfigId: other }))
          )
          const agent = yield* AgentStream
          const instance = { ...request.instance, instance_id: InstanceId.make(other) }
          // The agent answers this question too.
          assert.isAbove((yield* Effect.orDie(Stream.runCollect(agent.stream({ ...request, instance })))).length, 1)
          const tested = yield* Inspection.ask(request.instance, ofOperator, "1 minute")
          assert.strictEqual(tested._tag, "Answered")
          const path = "/other"
          yield* AnalyticsRepo.use((repo) => Effect.orDie(repo.append({ ...view, path, hostedWebsiteId: other })))
          yield* storeView
        })
      )
      assert.deepStrictEqual(
        published.map((arrival) => (arrival.type === "view" ? arrival.path : arrival.type)),
        ["/a"]
      )
    })
  )

  it.effect("replays nothing that visitors wrote before a person's data was deleted", () =>
    Effect.gen(function* () {
      const published = yield* publishedBy(() =>
        Effect.gen(function* () {
          const submissions = yield* SubmissionRepo.SubmissionRepo
          const { stream } = yield* AgentStream
          const persons = yield* Person.Persons
          yield* Effect.orDie(submissions.submit(draft(1)))
          yield* Effect.orDie(Stream.runDrain(stream(request)))
          const query = { address: "ada@example.org", websiteConfigId, kinds: Person.kinds }
          yield* Effect.orDie(persons.erase(query))
          yield* Effect.orDie(submissions.submit({ ...draft(2), idempotency: null }))
          const other = WebsiteConfigId.make("5b0c7f0e-3d5e-4f57-8f3a-0000000000ff")
          yield* Effect.orDie(persons.erase({ ...query, websiteConfigId: other }))
          yield* storeView
        })
      )
      assert.deepStrictEqual(
        published.map(({ type }) => type),
        ["erased", "submission", "view"]
      )
    })
  )

  it.effect("does not wait for a stalled subscriber, and keeps only the newest events", () =>
    Effect.gen(function* () {
      const published = yield* publishedBy((feed) =>
        Effect.gen(function* () {
          const submissions = yield* SubmissionRepo.SubmissionRepo
          // Subscribes, takes the first event and then stalls.
          yield* Effect.forkChild(Stream.runForEach(feed.arrivals, () => Effect.never))
          for (let count = 0; count < 5000; count++) {
            yield* Effect.orDie(submissions.submit({ ...draft(count), idempotency: null }))
          }
          yield* storeView
        })
      )
      assert.strictEqual(published.length, 500)
      assert.strictEqual(published.at(-1)?.number, 5001)
    })
  )

  it("fills templates with known values", () => {
    assert.strictEqual(DemoSite.fill("{{a}} {{toString}} {{a}}", { a: "x" }), "x {{toString}} x")
  })
})
