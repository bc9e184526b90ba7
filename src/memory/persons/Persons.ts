/**
 * Finds and deletes a person's records in the memory of this process.
 *
 * @module
 */
import { Effect, Layer, Stream } from "effect"
import * as FanOut from "../../core/delivery/FanOut.ts"
import * as Person from "../../core/persons/Person.ts"
import { ConversationStore } from "../../services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { SubmissionRepo } from "../../services/forms/SubmissionRepo.ts"
import { Persons, type Query } from "../../services/persons/Persons.ts"
import type { StorageUnavailable } from "../../services/Storage.ts"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"
import { DeliveryTables } from "../delivery/DeliveryTables.ts"
import { MailTables } from "../mail/MailTables.ts"

type Found = Exclude<Person.PersonRecord, { readonly kind: "delivery" }>

const keyOf = ({ conversation, instanceId }: Extract<Found, { readonly kind: "conversation" }>) => ({
  instanceId,
  conversationId: conversation.conversationId
})

/** The subject of a record's deliveries; null for a notification, which has no deliveries. */
const subjectOf = (record: Found): string | null => {
  switch (record.kind) {
    case "submission":
      return record.submission.submissionId
    case "conversation":
      return FanOut.conversationSubject(keyOf(record))
    case "notification":
      return null
  }
}

export const layer: Layer.Layer<
  Persons,
  never,
  SiteDirectory | SubmissionRepo | InstanceDirectory | ConversationStore | DeliveryTables | MailTables
> = Layer.effect(
  Persons,
  Effect.gen(function* () {
    const sites = yield* SiteDirectory
    const repo = yield* SubmissionRepo
    const instances = yield* InstanceDirectory
    const store = yield* ConversationStore
    const tables = yield* DeliveryTables
    const mails = yield* MailTables

    const isSelected = (query: Query, websiteConfigId: string | null) =>
      query.websiteConfigId === null || query.websiteConfigId === websiteConfigId

    const searches: Readonly<Record<Person.Kind, (query: Query) => Stream.Stream<Found, StorageUnavailable>>> = {
      submission: (query) =>
        Stream.fromIterableEffect(sites.list).pipe(
          Stream.filter(({ websiteConfigId }) => isSelected(query, websiteConfigId)),
          Stream.flatMap(({ websiteConfigId }) => repo.stream({ websiteConfigId })),
          Stream.filter((submission) => Person.hasSubmitted(submission, query.address)),
          Stream.map((submission) => ({ kind: "submission", submission }))
        ),
      conversation: (query) =>
        Stream.fromIterableEffect(instances.list).pipe(
          Stream.filter(({ websiteConfigId }) => isSelected(query, websiteConfigId)),
          Stream.flatMap(({ instanceId }) =>
            Stream.map(store.stream({ instanceId, since: null }), (conversation) => ({ instanceId, conversation }))
          ),
          Stream.filter(({ conversation }) => Person.isInConversation(conversation, query.address)),
          Stream.map((found) => ({ kind: "conversation", ...found }))
        ),
      notification: (query) =>
        Stream.fromIterableEffect(Effect.sync(() => [...mails.notifications.values()])).pipe(
          Stream.filter((one) => isSelected(query, one.websiteConfigId) && Person.isRecipient(one, query.address)),
          Stream.map((notification) => ({ kind: "notification", notification }))
        )
    }

    const search = (query: Query) => Stream.flatMap(Stream.fromIterable(query.kinds), (kind) => searches[kind](query))

    /** The deliveries that contain data of a record. */
    const deliveriesOf = (record: Found): ReadonlyArray<Person.FoundDelivery> => {
      const about = subjectOf(record)
      if (about === null) return []
      return tables
        .deliveries()
        .flatMap(({ payload, subject, webhookId: subscriberId, ...delivery }) =>
          subject === about && payload !== null && delivery.type !== "submission.deleted"
            ? [{ ...delivery, subscriberId, payload }]
            : []
        )
    }

    const erase = Effect.fnUntraced(function* (record: Found): Effect.fn.Return<Person.Erased, StorageUnavailable> {
      const erased = { ...Person.nothing, deliveries: deliveriesOf(record).length }
      switch (record.kind) {
        case "submission":
          return (yield* repo.delete(record.submission.submissionId)) ? { ...erased, submissions: 1 } : Person.nothing
        case "conversation":
          return (yield* store.delete(keyOf(record))) ? { ...erased, conversations: 1 } : Person.nothing
        case "notification":
          mails.remove(record.notification.notificationId)
          return { ...erased, notifications: 1 }
      }
    })

    return {
      records: (query) =>
        Stream.flatMap(search(query), (record) =>
          Stream.fromIterable<Person.PersonRecord>([
            record,
            ...deliveriesOf(record).map((delivery) => ({ kind: "delivery" as const, delivery }))
          ])
        ),
      erase: (query) =>
        Stream.runCollect(search(query)).pipe(
          Effect.flatMap(Effect.forEach(erase)),
          Effect.map((all) => all.reduce(Person.add, Person.nothing))
        )
    }
  })
)
