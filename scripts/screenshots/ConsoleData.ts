/**
 * The websites that the pictures of the console show, in a service in memory: a busy one, three smaller ones and a new one.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import { Replies } from "../../src/delivery/mail/Reply.ts"
import { FormDirectory } from "../../src/forms/FormRules.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import * as Decision from "../../src/platform/http/Decision.ts"
import type { InstanceId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"
import { Shares } from "../../src/sites/access/Share.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import * as ConversationData from "../../test/support/console/ConversationData.ts"
import * as SetUpData from "../../test/support/console/SetUpData.ts"
import * as SiteData from "../../test/support/console/SiteData.ts"
import * as SubmissionDraft from "../../test/support/SubmissionDraft.ts"

const minute = 60_000

/** A long name of one word, which does not break. */
const longName = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"

const hebrewQuestion = "האם אפשר לשכור קיאק לשני מבוגרים וילד ב־12:00, ומה המחיר?"

/** Submissions that are read from right to left, and with words and URLs that do not break. */
const storeExtremes = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, now: number) {
  const { submit } = yield* SubmissionRepo
  yield* submit(
    SubmissionDraft.make(websiteConfigId, {
      receivedAt: now - 14 * minute,
      email: "layla@example.com",
      pageSlug: "حجز",
      formData: JSON.stringify({
        الاسم: "ليلى الحسن",
        "عدد الأشخاص": 4,
        message: "مرحباً، نود حجز جولة (sunset) يوم 12 يونيو لأربعة أشخاص. هل لديكم سترات للأطفال؟"
      })
    })
  )
  yield* submit(
    SubmissionDraft.make(websiteConfigId, {
      receivedAt: now - 16 * minute,
      email: `${"maximilian.von.und.zu.".repeat(2)}hohenstein@${"sub.".repeat(8)}example.org`,
      pageSlug: "a-form-with-a-very-long-name-that-somebody-pasted-from-the-address-of-the-page",
      formData: JSON.stringify({
        name: longName,
        website: `https://example.org/${"a-very-long-path/".repeat(12)}?${"x=1&".repeat(20)}`,
        message: "A".repeat(300)
      })
    })
  )
})

const storeSubmissions = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, now: number) {
  const { submit } = yield* SubmissionRepo
  const store = (more: Parameters<typeof SubmissionDraft.make>[1]) =>
    submit(SubmissionDraft.make(websiteConfigId, more))
  yield* store({
    receivedAt: now - 26 * minute,
    email: "win@prizes.example",
    formData: JSON.stringify({ message: "<a href=//prizes.example>Claim</a> http://a.example http://b.example" }),
    status: "quarantined",
    reasons: ["link-markup", "links"]
  })
  yield* store({
    receivedAt: now - 9 * minute,
    email: "signe.holm@example.dk",
    pageSlug: "booking",
    formData: JSON.stringify({
      name: "Signe Holm",
      people: 4,
      tour: "Sunset",
      phone: "+45 55 01 02 03",
      message:
        "We would like to come on the second weekend of June. Two of us have never been in a kayak, and one of us is nine years old.\n\nIs there a boat for a child?"
    })
  })
})

/** Stores a submission with a reply, one that is marked as spam, and one that is deleted. Returns the id of the first. */
const storeHandled = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, now: number) {
  const { submit } = yield* SubmissionRepo
  const store = (email: string, message: string, receivedAt: number) =>
    submit(SubmissionDraft.make(websiteConfigId, { receivedAt, email, formData: JSON.stringify({ message }) }))
  const replied = yield* store("kari@example.no", "Do you have dry suits in size XS?", now - 40 * minute)
  yield* Replies.use(({ add }) =>
    add(websiteConfigId, replied, {
      author: "Ida Lindqvist",
      reply_to: "ida@fjordlight.example",
      to: "kari@example.no",
      text: "Hello Kari,\n\nyes, we have two of them. Which day would you like to come?",
      createdAt: now - 30 * minute
    })
  )
  const spam = yield* store("seo@rank.example", "We bring your website to page one.", now - 50 * minute)
  yield* Inbox.use(({ markSpam }) => markSpam(websiteConfigId, [spam]))
  const deleted = yield* store("old@example.org", "Please ignore my last message.", now - 60 * minute)
  yield* Inbox.use((inbox) => inbox.delete(websiteConfigId, [deleted]))
  return replied
})

/** Stores people who have opened the console, and one who has not. Returns the cookie of the owner of all websites. */
const storePeople = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, now: number) {
  const sessions = yield* ConsoleSessions
  const link = (label: string, role: "owner" | "viewer", sites: "all" | ReadonlyArray<WebsiteConfigId>) =>
    Effect.map(sessions.createLink({ label, role, sites, linkExpiresAt: now + 24 * 60 * minute }), Option.getOrThrow)
  const jonas = yield* link("Jonas Berg", "viewer", [websiteConfigId])
  yield* sessions.open(jonas.link)
  yield* link("Agency Nordlys", "viewer", [websiteConfigId])
  const own = yield* link("Ida Lindqvist", "owner", "all")
  return Option.getOrThrow(yield* sessions.open(own.link)).cookie
})

/** An agent that refuses, an origin that is not allowed yet, and a rule that refuses many. */
const storeProblems = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, instanceId: InstanceId) {
  yield* SiteDirectory.use((sites) => sites.update(websiteConfigId, { origins: ["https://fjordlight.example"] }))
  const { record } = yield* Decisions
  const subject = { _tag: "Known", websiteConfigId } as const
  const refuse = (reason: Decision.Reason, times: number, ...refused: Parameters<typeof Decision.refused>) =>
    Effect.replicateEffect(record(subject, reason, Decision.refused(...refused)), times)
  yield* refuse("foreign-origin", 42, "https://tours.fjordlight.example")
  yield* refuse("form-rule", 17, "coupon", "code")
  yield* AgentFailures.use(({ record }) =>
    Effect.replicateEffect(record(instanceId, { _tag: "Failed", kind: "failed", reason: "it answered 401" }), 3)
  )
})

export const prepare = Effect.gen(function* () {
  const sites = yield* SiteDirectory
  const now = yield* Clock.currentTimeMillis
  const create = Effect.fnUntraced(function* (name: string, visitsPerDay: number) {
    const site = yield* sites.create({ name, origins: [], timeZone: "Europe/Oslo" })
    if (visitsPerDay > 0) yield* SiteData.store({ site, now, days: 75, visitsPerDay, seed: name.length })
    return site
  })
  const busySite = yield* create("Fjordlight Kayaks", 90)
  const busy = busySite.websiteConfigId
  const instance = yield* ConversationData.newInstance(busy, "Guide")
  yield* ConversationData.store(instance, {
    question: hebrewQuestion,
    answer: "כן. **המחיר** הוא 450 NOK ליום:\n\n- חליפה יבשה\n- [סיור](https://fjordlight.example/tours) של 3 שעות"
  })
  const views = [
    { path: "/prices", referrerHost: "www.google.com", country: "NO" },
    { path: "/contact", referrerHost: null, country: "DE" },
    { path: "/tours", referrerHost: "news.ycombinator.com", country: "US" }
  ]
  for (const [index, turns] of ConversationData.examples.entries()) {
    yield* ConversationData.storeWithView(busySite, views[index]!, instance, ...turns)
  }
  yield* create("Harbour Coffee Roasters", 12)
  const { websiteConfigId: longNamed } = yield* create(longName, 3)
  yield* create("Studio Lindqvist", 25)
  const { websiteConfigId: arabic } = yield* create("مقهى الميناء (Harbour)", 6)
  yield* SetUpData.store(busy)
  yield* FormDirectory.use((forms) =>
    forms.put({
      websiteConfigId: busy,
      page: "coupon",
      rules: {
        code: { required: true, one_of: ["SPRING", "FJORD-26"], pattern: "[A-Z0-9-]+", message: "No such coupon." }
      }
    })
  )
  yield* storeSubmissions(busy, now)
  yield* storeExtremes(busy, now)
  yield* storeProblems(busy, instance)
  const replied = yield* storeHandled(busy, now)
  const newShare = (password: string | null) =>
    Shares.use((shares) => shares.create(busy, { label: "Agency Nordlys", expiresAt: null, password })).pipe(
      Effect.map((share) => Option.getOrThrow(share).secret)
    )
  const sessions = yield* ConsoleSessions
  return {
    busy,
    fresh: (yield* create("New website", 0)).websiteConfigId,
    longNamed,
    arabic,
    share: yield* newShare(null),
    lockedShare: yield* newShare("correct horse battery"),
    /** A submission that a person has replied to. */
    replied,
    /** A link that was not used, for a person without an address. */
    newLink: Effect.map(
      sessions.createLink({ label: null, role: "member", sites: [busy], linkExpiresAt: now + 24 * 60 * minute }),
      (created) => Option.getOrThrow(created).link
    ).pipe(Effect.orDie),
    /** The cookie of a session with access to all websites. */
    cookie: yield* storePeople(busy, now)
  }
})
