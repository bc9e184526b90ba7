/**
 * Conversations of visitors with an assistant, for the tests of the console and for its pictures.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { Clock, Effect } from "effect"
import { AnalyticsRepo } from "../../../src/analytics/AnalyticsRepo.ts"
import { Leads } from "../../../src/analytics/Lead.ts"
import type { PageView } from "../../../src/analytics/PageView.ts"
import { viewWithoutFacts } from "../../../src/analytics/StoredView.ts"
import { ConversationStore } from "../../../src/chat/ConversationStore.ts"
import type { AnswerEnding } from "../../../src/chat/conversations/Conversation.ts"
import { InstanceDirectory } from "../../../src/chat/InstanceDirectory.ts"
import type { WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Id from "../../../src/platform/Id.ts"
import type { Site } from "../../../src/sites/Site.ts"

export interface Turn {
  readonly question: string
  /** Markdown; empty for no answer. */
  readonly answer: string
  readonly source?: { readonly url: string; readonly title: string }
  readonly ending?: AnswerEnding
  readonly rating?: "up" | "down"
  readonly comment?: string
}

/** Creates an instance of a website. The service stores the instance's conversations. Returns the instance's id. */
export const newInstance = (websiteConfigId: WebsiteConfigId, name: string) =>
  InstanceDirectory.use((instances) =>
    instances.create({ name, agent_url: "http://agent", memory: "edge", website_config_id: websiteConfigId })
  ).pipe(
    Effect.map(({ instance_id: instanceId }) => instanceId),
    Effect.orDie
  )

/** Stores a conversation, which begins now, of a visitor with this hash, or of one without a visit. Returns its id. */
const storeOf = (instanceId: Id.InstanceId, visitorHash: string | null, turns: ReadonlyArray<Turn>) =>
  Effect.gen(function* () {
    const conversations = yield* ConversationStore
    const key = { instanceId, conversationId: Id.ConversationId.make(randomUUID()) }
    for (const [index, { answer, comment = null, ending = "stop", question, rating, source }] of turns.entries()) {
      const answerId = Id.MessageId.make(randomUUID())
      yield* conversations.begin({
        key,
        answerId,
        message: { messageId: Id.MessageId.make(randomUUID()), text: question },
        visitorHashes: visitorHash !== null && index === 0 ? [visitorHash] : []
      })
      yield* conversations.complete({
        answerId,
        ending,
        usage: null,
        parts: [
          ...(answer === "" ? [] : [{ type: "text" as const, text: answer }]),
          ...(source === undefined ? [] : [{ type: "source-url" as const, sourceId: "1", ...source }])
        ]
      })
      if (rating !== undefined) yield* conversations.rate({ key, messageId: answerId, rating, comment })
    }
    return key.conversationId
  }).pipe(Effect.orDie)

/** Stores a conversation of a visitor without a visit, which begins now. Returns its id. */
export const store = (instanceId: Id.InstanceId, ...turns: ReadonlyArray<Turn>) => storeOf(instanceId, null, turns)

/** Stores a conversation that begins now, after a page view of its visitor. Returns its id. */
export const storeWithView = (
  { hostedWebsiteId }: Pick<Site, "hostedWebsiteId">,
  view: Pick<PageView, "path" | "referrerHost" | "country">,
  instanceId: Id.InstanceId,
  ...turns: ReadonlyArray<Turn>
) =>
  Effect.gen(function* () {
    const visitorHash = randomUUID().replaceAll("-", "")
    const receivedAt = yield* Clock.currentTimeMillis
    yield* AnalyticsRepo.use(({ append }) =>
      append({ ...viewWithoutFacts, ...view, hostedWebsiteId, visitorHash, receivedAt })
    )
    const conversationId = yield* storeOf(instanceId, visitorHash, turns)
    yield* Leads.use(({ match }) => match)
    return conversationId
  }).pipe(Effect.orDie)

/** Conversations with visitors of a website for kayak tours. */
export const examples: ReadonlyArray<ReadonlyArray<Turn>> = [
  [
    {
      question: "Do you rent dry suits?",
      answer: "Yes. A **dry suit** is part of every tour between October and May.",
      rating: "up"
    }
  ],
  [{ question: "Hva koster en tur for to voksne og to barn?", answer: "", ending: "failed" }],
  [
    {
      question: "Is there a tour for children?",
      answer:
        "Two of our tours are for families:\n\n| Tour | Hours | From age |\n|:--|--:|--:|\n| First strokes | 3 | 8 |\n| Across the arm | 8 | 12 |\n\nChildren paddle in a double kayak with an adult. You can:\n\n- book by [mail](mailto:hello@fjordlight.example)\n- or come by, every day from 9 to 17",
      source: { url: "https://fjordlight.example/tours", title: "Tours" },
      rating: "up",
      comment: "Thanks, that helped!"
    },
    { question: "And what if it rains?", answer: "We go in rain, but not in", ending: "stopped" },
    {
      question: "Can I cancel the day before?",
      answer: "I do not know that. Please ask us by mail.",
      rating: "down",
      comment: "I wanted an answer, not another address"
    }
  ]
]
