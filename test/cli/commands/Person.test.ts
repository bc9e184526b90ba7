/** `person export`, `person erase` and `submissions delete --email` on the command line. */

import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import { Notifications } from "../../../src/delivery/mail/Notification.ts"
import { SubmissionRepo } from "../../../src/forms/SubmissionRepo.ts"
import * as Id from "../../../src/platform/Id.ts"
import { SiteDirectory } from "../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import { postgres } from "../../support/Storages.ts"
import { run } from "../../support/TestCli.ts"
import { draft } from "../../support/TestSubmissions.ts"
import { laterTime } from "../../support/Wait.ts"

const hostile = "\u001b[2J\u202eann@example.com"

/** Two websites, each with a submission of Ann and one of Bob. A conversation on the first names Ann's email address. */
const session = Effect.gen(function* () {
  const context = yield* Layer.build(Layer.merge(postgres(), TestClient.layer))
  const seeded = yield* Effect.gen(function* () {
    const sites = yield* SiteDirectory
    const repo = yield* SubmissionRepo
    const [one, other] = [
      yield* sites.create({ name: "a", origins: [] }),
      yield* sites.create({ name: "b", origins: [] })
    ]
    for (const { websiteConfigId } of [one, other]) {
      yield* repo.submit(draft({ websiteConfigId, email: "Ann@Example.com", formData: '{"name":"\\u001b[2JAnn"}' }))
      yield* repo.submit(draft({ websiteConfigId, email: "bob@example.com" }))
      yield* laterTime
    }
    const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
      instances.create({ name: "a", agent_url: "https://a.example", website_config_id: one.websiteConfigId })
    )
    const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
    const message = { messageId: Id.MessageId.make(randomUUID()), text: hostile }
    yield* ConversationStore.use((store) => store.begin({ key, answerId: Id.MessageId.make(randomUUID()), message }))
    return { one: one.websiteConfigId, other: other.websiteConfigId, key }
  }).pipe(Effect.provideContext(context))
  const services = Layer.succeedContext(context)
  const runs = (...args: ReadonlyArray<string>) => run(args, services)
  const text = (...args: ReadonlyArray<string>) =>
    Effect.map(runs(...args), ({ code, stderr, stdout }) => {
      assert.deepStrictEqual({ code, stderr }, { code: 0, stderr: "" })
      return stdout
    })
  const refusal = (...args: ReadonlyArray<string>) =>
    Effect.map(runs(...args), ({ code, stderr, stdout }) => {
      assert.deepStrictEqual({ code, stdout }, { code: 1, stdout: "" })
      return stderr
    })
  const notifications = Context.get(context, Notifications)
  /** Adds a notification to Ann, as an owner of the first website. */
  const addAnn = Effect.map(
    notifications.addByOwner(seeded.one, { to: "ann@example.com", report: "weekly" }),
    (added) =>
      added._tag === "Added"
        ? { ...added, unsubscribe: notifications.unsubscribe(added.notification.notification_id) }
        : added
  )
  const sql = Context.get(context, PgClient)
  /** Adds a person who is a viewer of some websites, or of all. */
  const addPerson = Effect.fnUntraced(function* (email: string, sites: "all" | ReadonlyArray<string>) {
    const id = PgTypes.uuid(randomUUID())
    yield* sql`INSERT INTO person (person_id, email, name, created_at) VALUES (${id}, ${email}, null, now())`
    for (const site of sites === "all" ? [null] : sites) {
      yield* sql`INSERT INTO person_role (person_id, website_config_id, role) VALUES (${id}, ${PgTypes.uuid(site)}, 'viewer')`
    }
  })
  return { ...seeded, runs, text, refusal, addAnn, addPerson }
})

const lines = (text: string): ReadonlyArray<Record<string, unknown>> =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line))

describe("person", () => {
  it.live(
    "export writes a person's submissions and conversations, one object per line, without control characters",
    () =>
      Effect.gen(function* () {
        const { key, one, other, runs, text } = yield* session
        const exported = yield* text("person", "export", "--email", " ANN@example.com")
        assert.notMatch(exported, /[\u001b\u202e]/)
        assert.deepStrictEqual(
          lines(exported).map(({ conversation_id, email, instance_id, kind, website_config_id }) => ({
            ...{ kind, website_config_id, email, instance_id, conversation_id }
          })),
          [
            ...[one, other].map((website_config_id) => ({
              ...{ kind: "submission", website_config_id, email: "Ann@Example.com" },
              ...{ instance_id: undefined, conversation_id: undefined }
            })),
            {
              ...{ kind: "conversation", website_config_id: undefined, email: undefined },
              ...{ instance_id: key.instanceId, conversation_id: key.conversationId }
            }
          ]
        )
        const ofSite = yield* text("person", "export", "--email", "ann@example.com", "--site", other, "--json")
        assert.lengthOf(JSON.parse(ofSite), 1)
        const stderr = "Nothing is stored of carl@example.com.\n"
        const ofCarl = ["person", "export", "--email", "carl@example.com"]
        assert.deepStrictEqual(yield* runs(...ofCarl, "--json"), { code: 0, stdout: "[]\n", stderr })
        assert.deepStrictEqual(yield* runs(...ofCarl), { code: 0, stdout: "", stderr })
      })
  )

  it.live("erase deletes a person's data, and says how much", () =>
    Effect.gen(function* () {
      const { other, runs, text } = yield* session
      const json = ["--email", "Ann@example.com", "--json"]
      assert.deepStrictEqual(JSON.parse(yield* text("person", "erase", ...json, "--site", other)), {
        ...{ submissions: 1, conversations: 0, notifications: 0, spam_marks: 0, accounts: 0, deliveries: 0 }
      })
      assert.match(
        yield* text("person", "erase", "--email", "ann@example.com"),
        /^The data of ann@example.com is deleted:\n(?:.*\n)*.*submissions +1\n(?:.*\n)*.*conversations +1\n/
      )
      assert.deepStrictEqual(yield* runs("person", "export", "--email", "ann@example.com", "--json"), {
        ...{ code: 0, stdout: "[]\n", stderr: "Nothing is stored of ann@example.com.\n" }
      })
      assert.lengthOf(lines(yield* text("person", "export", "--email", "bob@example.com")), 2)
    })
  )

  it.live("after erase, the owner can add an unsubscribed address again", () =>
    Effect.gen(function* () {
      const { addAnn, text } = yield* session
      const added = yield* addAnn
      if (added._tag !== "Added") return assert.fail(added._tag)
      yield* added.unsubscribe
      assert.strictEqual((yield* addAnn)._tag, "Unsubscribed")
      yield* text("person", "erase", "--email", "Ann@example.com")
      assert.strictEqual((yield* addAnn)._tag, "Added")
    })
  )

  it.live("submissions delete --site --email deletes the submissions of one website", () =>
    Effect.gen(function* () {
      const { one, text } = yield* session
      const flags = ["submissions", "delete", "--site", one, "--email", "ann@example.com"]
      assert.strictEqual(yield* text(...flags), "1 submission of ann@example.com deleted.\n")
      assert.deepStrictEqual(JSON.parse(yield* text(...flags, "--json")), {
        ...{ submissions: 0, conversations: 0, notifications: 0, spam_marks: 0, accounts: 0, deliveries: 0 }
      })
      assert.deepStrictEqual(
        lines(yield* text("person", "export", "--email", "ann@example.com")).map(({ kind }) => kind),
        ["submission", "conversation"]
      )
    })
  )

  it.live("remove says where a person without a role for the website alone has one", () =>
    Effect.gen(function* () {
      const { addPerson, one, other, refusal, text } = yield* session
      yield* addPerson("ada@example.com", [one])
      yield* addPerson("kay@example.com", "all")
      const remove = (email: string, site: string) => ["person", "remove", "--email", email, "--site", site]
      assert.strictEqual(
        yield* refusal(...remove("ada@example.com", other)),
        "ada@example.com has no role for this website. `hydracore person list` lists the people and their roles.\n"
      )
      assert.match(
        yield* refusal(...remove("kay@example.com", other)),
        /^kay@example\.com has a role for all websites, .*`hydracore person remove --email kay@example\.com` takes all roles; then invite/
      )
      assert.include(yield* text(...remove("ada@example.com", one)), "cannot open this website any more")
    })
  )

  it.live("an invalid command is refused with an error that says what to correct", () =>
    Effect.gen(function* () {
      const { one, refusal } = yield* session
      const unknown = randomUUID()
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [["person", "erase", "--email", "ann"], /The flag --email must be an email address such as/],
        [["person", "erase", "--email", "ann@example.com", "--site", unknown], /There is no website/],
        [["person", "export", "--email", "ann@example.com", "--site", unknown], /There is no website/],
        [["submissions", "delete"], /Give either --submission-id, or both --site and --email/],
        [["submissions", "delete", "--site", one], /Give either --submission-id, or both --site and --email/],
        [["submissions", "delete", "--email", "ann@example.com"], /hydracore person erase/],
        [["submissions", "delete", "--submission-id", unknown, "--email", "ann@example.com"], /Give either/],
        [["submissions", "delete", "--submission-id", unknown, "--site", one], /There is no submission/],
        [["submissions", "delete", "--site", unknown, "--email", "ann@example.com"], /There is no website/]
      ]
      for (const [args, message] of cases) assert.match(yield* refusal(...args), message, args.join(" "))
    })
  )
})
