/**
 * Credits visits with leads, in the memory of this process.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer } from "effect"
import * as Lead from "../../core/analytics/Lead.ts"
import { Leads } from "../../services/analytics/Leads.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { Submissions } from "../forms/SubmissionRepo.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { Conversions } from "./Conversions.ts"
import { Events } from "./Events.ts"
import { PageViews } from "./PageViews.ts"

export const layer: Layer.Layer<
  Leads,
  never,
  PageViews | Events | Conversions | Submissions | Sites | InstanceDirectory
> = Layer.effect(
  Leads,
  Effect.gen(function* () {
    const views = yield* PageViews
    const events = yield* Events
    const conversions = yield* Conversions
    const submissions = yield* Submissions
    const sites = yield* Sites
    const instances = yield* InstanceDirectory
    let chats: ReadonlyArray<Lead.PendingLead> = []

    const rowsOf = ({ hostedWebsiteId, sessionId }: Lead.PendingLead): ReadonlyArray<Lead.SessionRow> =>
      [
        ...views
          .all()
          .filter((view) => view.exclusion === null)
          .map((view) => ({ ...view, view })),
        ...events.all().map((event) => ({ ...event, view: null }))
      ].filter((row) => row.hostedWebsiteId === hostedWebsiteId && row.sessionId === sessionId)

    const pending = (): ReadonlyArray<Lead.PendingLead> => [
      ...chats,
      ...submissions.leads().flatMap(({ submissionId, websiteConfigId, ...lead }) => {
        const site = sites.get(websiteConfigId)
        return site === undefined
          ? []
          : [{ ...lead, leadId: submissionId, kind: "form" as const, hostedWebsiteId: site.hostedWebsiteId }]
      })
    ]

    return {
      addChat: Effect.fnUntraced(function* ({ instanceId, ...chat }) {
        const instance = (yield* instances.list).find((candidate) => candidate.instanceId === instanceId)
        const site = sites.get(instance?.websiteConfigId ?? "")
        if (site === undefined) return
        chats = [...chats, { ...chat, leadId: randomUUID(), kind: "chat", hostedWebsiteId: site.hostedWebsiteId }]
      }),
      match: Effect.map(Clock.currentTimeMillis, (now) => {
        const done = pending().map((lead) => {
          const isLate = now - lead.receivedAt > Lead.patienceMillis
          return Lead.match([{ ...lead, isLate }], () => rowsOf(lead))
        })
        const matched = done.flatMap((one) => one.matched)
        const dropped = done.flatMap((one) => one.dropped)
        for (const one of matched) {
          const isQuarantined = submissions.settle(one.lead.leadId, one.visit.attribution)
          if (!isQuarantined) conversions.add(Lead.conversionOf(one))
        }
        for (const { leadId } of dropped) submissions.settle(leadId, null)
        const ended = new Set([...matched.map(({ lead }) => lead.leadId), ...dropped.map(({ leadId }) => leadId)])
        chats = chats.filter(({ leadId }) => !ended.has(leadId))
        return { matched: matched.length, dropped: dropped.length }
      })
    }
  })
)
