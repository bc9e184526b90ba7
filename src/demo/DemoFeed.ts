/**
 * The live feed of `/demo`: what the service stores and what its agents answer. Only `demo` has it, since it shows what
 * visitors wrote. It publishes nothing about websites and instances other than the demo's.
 *
 * When a person's data is deleted, the feed forgets everything that visitors wrote before.
 *
 * An event is published after its cause is committed. Publishing never waits for subscribers, and only the newest events
 * are kept.
 *
 * @module
 */
import { Clock, Deferred, Effect, Layer, Option, PubSub, Ref, Schema, Stream } from "effect"
import { AnalyticsRepo } from "../analytics/AnalyticsRepo.ts"
import type { PageView } from "../analytics/PageView.ts"
import { AgentStream } from "../chat/AgentStream.ts"
import { messageOf } from "../chat/agent/Agent.ts"
import * as Inspection from "../chat/agent/Inspection.ts"
import type { SubmissionDraft } from "../forms/Submission.ts"
import { SubmissionRepo } from "../forms/SubmissionRepo.ts"
import type * as Id from "../platform/Id.ts"
import type { WebsiteConfigId } from "../platform/Id.ts"
import * as Person from "../privacy/Person.ts"
import type { Arrival, Numbered } from "./Arrival.ts"

/** The maximum number of UTF-16 units of a text, and of fields, in an event. */
const limits = { text: 2000, fields: 20 }

const short = (text: string): string => text.slice(0, limits.text)

const ofView = (view: PageView): Arrival => ({
  type: "view",
  path: short(view.path),
  referrer: view.referrerHost === null ? null : `${view.referrerHost}${view.referrerPath ?? ""}`,
  device: view.deviceType,
  browser: view.browser,
  os: view.os,
  country: view.country,
  campaign: view.campaign.name,
  exclusion: view.exclusion
})

const FormData = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

const fieldsOf = (formData: string): ReadonlyArray<readonly [string, string]> => {
  const decoded = Schema.decodeUnknownOption(FormData)(formData)
  return Option.isNone(decoded)
    ? []
    : Object.entries(decoded.value)
        .slice(0, limits.fields)
        .map(([name, value]) => [short(name), short(typeof value === "string" ? value : JSON.stringify(value))])
}

const ofSubmission = (draft: SubmissionDraft): Arrival => ({
  type: "submission",
  id: draft.submissionId,
  page: draft.pageSlug,
  email: draft.email,
  fields: fieldsOf(draft.formData)
})

/** The website, by both its ids, and the instance whose traffic the feed shows. */
export interface Subject {
  readonly hostedWebsiteId: string
  readonly websiteConfigId: WebsiteConfigId
  readonly instanceId: Id.InstanceId
}

/** The maximum number of events buffered for a slow subscriber, and replayed to a new one. */
const bounds = { capacity: 2048, replay: 500 }

/** Makes a feed, and the layer that decorates the observed services. It publishes nothing until `show`. */
export const make = Effect.gen(function* () {
  const arrivals = yield* PubSub.sliding<Numbered>(bounds)
  const ended = yield* Deferred.make<void>()
  const count = yield* Ref.make(0)
  let subject: Subject | undefined
  /** The number of the last deletion of a person's data. What visitors wrote before it is not replayed. */
  let erasedAt = 0

  const publish = Effect.fnUntraced(function* (arrival: Arrival) {
    const number = yield* Ref.updateAndGet(count, (before) => before + 1)
    yield* PubSub.publish(arrivals, { ...arrival, number, at: yield* Clock.currentTimeMillis })
    return number
  })

  const analytics = Layer.effect(
    AnalyticsRepo,
    Effect.map(AnalyticsRepo, (repo) => ({
      ...repo,
      append: (view: PageView) =>
        Effect.tap(repo.append(view), () =>
          view.hostedWebsiteId === subject?.hostedWebsiteId ? publish(ofView(view)) : Effect.void
        )
    }))
  )

  const submissions = Layer.effect(
    SubmissionRepo,
    Effect.map(SubmissionRepo, (repo) => ({
      submit: (draft: SubmissionDraft) =>
        // A repeated submission returns the id of the first one.
        Effect.tap(repo.submit(draft), (id) =>
          id === draft.submissionId && draft.websiteConfigId === subject?.websiteConfigId
            ? publish(ofSubmission(draft))
            : Effect.void
        )
    }))
  )

  const agent = Layer.effect(
    AgentStream,
    Effect.map(AgentStream, (agent) =>
      AgentStream.of({
        stream: (request) => {
          const isOfVisitor = request.session !== Inspection.session
          if (request.instance.instance_id !== subject?.instanceId || !isOfVisitor) return agent.stream(request)
          const chat = short(request.session)
          let isWhole = false
          return Stream.fromEffect(publish({ type: "question", chat, text: short(messageOf(request)) })).pipe(
            Stream.drain,
            Stream.concat(agent.stream(request)),
            Stream.tap((event) => {
              isWhole = event._tag === "Finish"
              return event._tag === "Text" ? publish({ type: "token", chat, text: short(event.delta) }) : Effect.void
            }),
            Stream.ensuring(Effect.suspend(() => publish({ type: "answered", chat, isWhole })))
          )
        }
      })
    )
  )

  const persons = Layer.effect(
    Person.Persons,
    Effect.map(Person.Persons, (persons) => ({
      ...persons,
      erase: (query: Person.Query) =>
        Effect.tap(persons.erase(query), () =>
          query.websiteConfigId === null || query.websiteConfigId === subject?.websiteConfigId
            ? Effect.map(publish({ type: "erased" }), (number) => {
                erasedAt = number
              })
            : Effect.void
        )
    }))
  )

  return {
    /** Sets the website and the instance whose events are published from now on. */
    show: (newSubject: Subject) =>
      Effect.sync(() => {
        subject = newSubject
      }),
    /** The newest events, then further events as they happen, until `end`. */
    arrivals: Stream.fromPubSub(arrivals).pipe(
      Stream.filter(({ number, type }) => number >= erasedAt || type === "view"),
      Stream.interruptWhen(Deferred.await(ended))
    ),
    /** Ends all subscriptions, so that the server need not wait for them. */
    end: Effect.asVoid(Deferred.succeed(ended, undefined)),
    /** Decorates the services, so that the feed can show traffic. */
    observers: Layer.mergeAll(analytics, submissions, agent, persons)
  }
})

export type DemoFeed = Effect.Success<typeof make>
