import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Event from "../../src/delivery/Event.ts"
import { EventId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { id } from "../support/Ids.ts"

const Site = Schema.Literals(["a", "b", "c"].map((name) => id(WebsiteConfigId, name)))
const Type = Schema.Literals(["submission.accepted", "submission.deleted", "site.limit"])
const Outbox = Schema.Array(
  Schema.Struct({
    eventId: Schema.Literals(["1", "2", "3"].map((name) => id(EventId, name))),
    websiteConfigId: Site,
    type: Type,
    createdAt: Schema.Literal(0),
    subject: Schema.NullOr(Schema.Literals(["s1", "s2", "s3"])),
    data: Schema.NullOr(Schema.Literal('{"own":1}'))
  })
)
const Subscribers = Schema.Array(
  Schema.Struct({
    subscriberId: Schema.String,
    websiteConfigId: Site,
    websiteName: Schema.String,
    events: Schema.Array(Type)
  })
)

describe("delivery/Event", () => {
  it.prop(
    "lists once each subject whose data a delivery needs, and reads the data of no other subject",
    [Outbox, Subscribers],
    ([events, subscribers]) => {
      const isReceived = ({ type, websiteConfigId }: Event.OutboxEvent) =>
        subscribers.some(
          (subscriber) => subscriber.websiteConfigId === websiteConfigId && Event.isWanted(subscriber.events, type)
        )
      const subjects = Event.subjectsOf(events, subscribers)
      const expected = events.filter((event) => event.data === null && isReceived(event)).map(({ subject }) => subject)
      assert.deepStrictEqual(
        subjects,
        [...new Set(expected)].filter((subject) => subject !== null)
      )
      const read = new Set<string>()
      Event.deliveries(events, subscribers, (subject) => {
        if (subject !== "") read.add(subject)
        return undefined
      })
      assert.deepStrictEqual(read, new Set(subjects))
    }
  )

  it.prop(
    "each subscriber that wants an event of its website gets one delivery, unless neither the event nor its subject has data",
    [Outbox, Subscribers],
    ([events, subscribers]) => {
      const stored = new Map([
        ["s1", '{"n":1}'],
        ["s2", '{"n":2}']
      ] as const) as ReadonlyMap<string, string>
      const expected = events.flatMap((event) => {
        const data = event.data ?? stored.get(event.subject ?? "")
        return subscribers
          .filter(({ events, websiteConfigId }) => {
            return websiteConfigId === event.websiteConfigId && Event.isWanted(events, event.type)
          })
          .flatMap(({ subscriberId, websiteConfigId, websiteName: name }) => {
            if (data === undefined) return []
            const payload = Event.payload({ type: event.type, time: 0, website: { websiteConfigId, name } }, data)
            return [{ event, subscriberId, payload }]
          })
      })
      assert.deepStrictEqual(
        Event.deliveries(events, subscribers, (subject) => stored.get(subject)),
        expected
      )
    }
  )

  const types = ["submission.accepted", "submission.quarantined", "submission.released"] as const

  it.prop(
    "however often a submission is marked and released, a subscriber without the quarantine's events gets it as accepted once",
    [
      Schema.Array(Schema.Struct({ type: Schema.Literals(types), isNewBatch: Schema.Boolean })),
      Schema.Array(Schema.Literals(types))
    ],
    ([steps, wanted]) => {
      const subscriber = {
        subscriberId: "w",
        websiteConfigId: id(WebsiteConfigId, "a"),
        websiteName: "",
        events: wanted
      }
      const batches: Array<Array<Event.OutboxEvent>> = [[]]
      for (const [index, { isNewBatch, type }] of steps.entries()) {
        const { websiteConfigId } = subscriber
        const eventId = id(EventId, String(index))
        if (isNewBatch) batches.push([])
        batches.at(-1)?.push({ eventId, websiteConfigId, type, createdAt: index, subject: "s1", data: null })
      }
      const got: Array<string> = []
      for (const batch of batches) {
        const announced = new Set(
          got.filter((type) => Event.announcements.includes(type)).map(() => Event.announcementOf("w", "s1"))
        )
        got.push(...Event.deliveries(batch, [subscriber], () => "{}", announced).map(({ event }) => event.type))
      }
      const all = steps.map(({ type }) => type).filter((type) => Event.isWanted(wanted, type))
      const followsQuarantine = Event.isWanted(wanted, "submission.quarantined")
      assert.deepStrictEqual(
        got,
        all.filter(
          (type, index) =>
            type !== "submission.released" ||
            followsQuarantine ||
            !all.slice(0, index).some((earlier) => Event.announcements.includes(earlier))
        )
      )
    }
  )
})
