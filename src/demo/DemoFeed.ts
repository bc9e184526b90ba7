/**
 * Watches what the demo's service stores and what its agents say, and tells whoever looks at `/demo`. Only `demo` has it:
 * it shows what visitors wrote. Of anything else than the demo's own website and instance it tells nothing.
 *
 * It is told of a thing after the thing is done, never waits for those who look, and remembers only the newest.
 *
 * @module
 */
import { Clock, Deferred, Effect, Layer, PubSub, Ref, Schema, Stream } from "effect"
import type { PageView } from "../core/analytics/PageView.ts"
import { messageOf } from "../core/chat/Agent.ts"
import type { SubmissionDraft } from "../core/forms/Submission.ts"
import { AnalyticsRepo } from "../services/analytics/AnalyticsRepo.ts"
import { AgentStream } from "../services/chat/AgentStream.ts"
import { SubmissionRepo } from "../services/forms/SubmissionRepo.ts"
import type { Arrival, Numbered } from "./Arrival.ts"

/** How much is shown of any text, in UTF-16 units, and of how many fields. */
const shown = { text: 2000, fields: 20 }

const short = (text: string): string => text.slice(0, shown.text)

const ofView = (view: PageView): Arrival => ({
  type: "view",
  path: short(view.path),
  referrer: view.referrerHost === null ? null : `${view.referrerHost}${view.referrerPath ?? ""}`,
  device: view.deviceType,
  browser: view.browser,
  os: view.os,
  isBot: view.isBot
})

const FormData = Schema.fromJsonString(Schema.Record(Schema.String, Schema.Unknown))

const fieldsOf = (formData: string): ReadonlyArray<readonly [string, string]> => {
  const decoded = Schema.decodeUnknownOption(FormData)(formData)
  return decoded._tag === "None"
    ? []
    : Object.entries(decoded.value)
        .slice(0, shown.fields)
        .map(([name, value]) => [short(name), short(typeof value === "string" ? value : JSON.stringify(value))])
}

const ofSubmission = (draft: SubmissionDraft): Arrival => ({
  type: "submission",
  id: draft.submissionId,
  page: draft.pageSlug,
  email: draft.email,
  fields: fieldsOf(draft.formData)
})

/** The website, by both its ids, and the instance that are shown. */
export interface Subject {
  readonly hostedWebsiteId: string
  readonly websiteConfigId: string
  readonly instanceId: string
}

/** How many arrivals wait for one who looks and is slow, and how many one who comes late is told of. */
const bounds = { capacity: 2048, replay: 500 }

/** Makes a feed, and the layer that watches the services below it and gives them on. It is silent until `show`. */
export const make = Effect.gen(function* () {
  const arrivals = yield* PubSub.sliding<Numbered>(bounds)
  const ended = yield* Deferred.make<void>()
  const count = yield* Ref.make(0)
  let subject: Subject | undefined

  const tell = Effect.fnUntraced(function* (arrival: Arrival) {
    const number = yield* Ref.updateAndGet(count, (before) => before + 1)
    yield* PubSub.publish(arrivals, { ...arrival, number, at: yield* Clock.currentTimeMillis })
  })

  const analytics = Layer.effect(
    AnalyticsRepo,
    Effect.map(AnalyticsRepo, (repo) => ({
      append: (view: PageView) =>
        Effect.tap(repo.append(view), () =>
          view.hostedWebsiteId === subject?.hostedWebsiteId ? tell(ofView(view)) : Effect.void
        )
    }))
  )

  const submissions = Layer.effect(
    SubmissionRepo,
    Effect.map(SubmissionRepo, (repo) => ({
      ...repo,
      submit: (draft: SubmissionDraft) =>
        // A repetition gets the first one's id, and is none of its own.
        Effect.tap(repo.submit(draft), (id) =>
          id === draft.submissionId && draft.websiteConfigId === subject?.websiteConfigId
            ? tell(ofSubmission(draft))
            : Effect.void
        )
    }))
  )

  const agent = Layer.effect(
    AgentStream,
    Effect.map(AgentStream, (agent) =>
      AgentStream.of({
        stream: (request) => {
          if (request.instance.instanceId !== subject?.instanceId) return agent.stream(request)
          const chat = short(request.session)
          let isWhole = false
          return Stream.fromEffect(tell({ type: "question", chat, text: short(messageOf(request)) })).pipe(
            Stream.drain,
            Stream.concat(agent.stream(request)),
            Stream.tap((event) => {
              isWhole = event._tag === "Finish"
              return event._tag === "Text" ? tell({ type: "token", chat, text: short(event.delta) }) : Effect.void
            }),
            Stream.ensuring(Effect.suspend(() => tell({ type: "answered", chat, isWhole })))
          )
        }
      })
    )
  )

  return {
    /** Says whose arrivals are told, from now on. */
    show: (shown: Subject) =>
      Effect.sync(() => {
        subject = shown
      }),
    /** What arrived, the newest first few at once, and then as it comes, until `end`. */
    arrivals: Stream.fromPubSub(arrivals).pipe(Stream.interruptWhen(Deferred.await(ended))),
    /** Lets go of all who look, so that the server need not wait for them. */
    end: Effect.asVoid(Deferred.succeed(ended, undefined)),
    /** Watches these services: it takes them and gives the same. */
    eyes: Layer.mergeAll(analytics, submissions, agent)
  }
})

export type DemoFeed = Effect.Success<typeof make>
