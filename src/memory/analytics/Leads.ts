/**
 * Credits leads to visits, in the memory of this process.
 *
 * @module
 */
import { Clock, Effect, Layer } from "effect"
import * as Lead from "../../core/analytics/Lead.ts"
import { Leads } from "../../services/analytics/Leads.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { Submissions } from "../forms/SubmissionRepo.ts"
import { Sites } from "../sites/SiteDirectory.ts"
import { Conversions } from "./Conversions.ts"
import { Events } from "./Events.ts"
import { PageViews } from "./PageViews.ts"
import * as PendingChats from "./PendingChats.ts"

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
    const chats = yield* PendingChats.PendingChats

    const rowsOf = ({ hostedWebsiteId, sessionId }: Lead.PendingLead): ReadonlyArray<Lead.SessionRow> =>
      [
        ...views
          .all()
          .filter((view) => view.exclusion === null)
          .map((view) => ({ ...view, view })),
        ...events.all().map((event) => ({ ...event, view: null }))
      ].filter((row) => row.hostedWebsiteId === hostedWebsiteId && row.sessionId === sessionId)

    /** The pending leads of chats. Removes the leads of instances without a website. */
    const pendingChats = Effect.map(instances.list, (all): ReadonlyArray<Lead.PendingLead> => {
      const websiteOf = new Map(all.map(({ instanceId, websiteConfigId }) => [instanceId, websiteConfigId ?? ""]))
      return chats.all().flatMap(({ instanceId, ...chat }) => {
        const site = sites.get(websiteOf.get(instanceId) ?? "")
        if (site !== undefined) return [{ ...chat, kind: "chat" as const, hostedWebsiteId: site.hostedWebsiteId }]
        chats.remove(new Set([chat.leadId]))
        return []
      })
    })

    const pending = (ofChats: ReadonlyArray<Lead.PendingLead>): ReadonlyArray<Lead.PendingLead> => [
      ...ofChats,
      ...submissions.leads().flatMap(({ submissionId, websiteConfigId, ...lead }) => {
        const site = sites.get(websiteConfigId)
        return site === undefined
          ? []
          : [{ ...lead, leadId: submissionId, kind: "form" as const, hostedWebsiteId: site.hostedWebsiteId }]
      })
    ]

    return {
      addChat: (chat) => Effect.sync(() => chats.add(chat)),
      match: Effect.gen(function* () {
        const now = yield* Clock.currentTimeMillis
        const results = pending(yield* pendingChats).map((lead) => {
          const isLate = now - lead.receivedAt > Lead.maxWaitMillis
          return Lead.match([{ ...lead, isLate }], () => rowsOf(lead))
        })
        const matched = results.flatMap((one) => one.matched)
        const dropped = results.flatMap((one) => one.dropped)
        for (const one of matched) {
          const isQuarantined = submissions.settle(one.lead.leadId, one.visit.attribution)
          if (!isQuarantined) conversions.add(Lead.conversionOf(one))
        }
        for (const { leadId } of dropped) submissions.settle(leadId, null)
        chats.remove(new Set([...matched.map(({ lead }) => lead.leadId), ...dropped.map(({ leadId }) => leadId)]))
        return { matched: matched.length, dropped: dropped.length }
      })
    }
  })
).pipe(Layer.provide(PendingChats.layer))
