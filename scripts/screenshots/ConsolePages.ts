/**
 * Pictures of the console's pages: of a busy website in every size, from right to left, with long names and huge numbers, and of
 * a new website.
 *
 * @module
 */
import { Effect } from "effect"
import {
  nothing,
  openFirst,
  type PageAction,
  phone,
  press,
  sections,
  sizes,
  twoSizes,
  type View,
  wide
} from "./ConsoleView.ts"

/** Windows that are high enough to show a whole page. */
const tall = { viewport: { width: 1440, height: 2400 } }
const tallPhone = { ...phone, viewport: { width: 360, height: 3600 }, deviceScaleFactor: 1 }

const fromRightToLeft: PageAction = async (page) => {
  await page.addInitScript("addEventListener('DOMContentLoaded', () => { document.documentElement.dir = 'rtl' })")
}

/** Makes the counts of reports a million times as large. Rates and durations stay as they are. */
const huge: PageAction = async (page) => {
  await page.addInitScript(`{
    const read = Response.prototype.json
    const isCount = (metric) => !/_rate$|duration|per_visit/.test(metric)
    const scaled = ({ query, results, ...more }) => {
      const scale = (row) => ({
        ...row,
        metrics: row.metrics.map((value, place) =>
          typeof value === "number" && isCount(query.metrics[place]) ? value * 1e6 : value
        )
      })
      const larger = results.map((row) =>
        row.comparison === undefined ? scale(row) : { ...scale(row), comparison: scale(row.comparison) }
      )
      return { ...more, query, results: larger }
    }
    Response.prototype.json = async function () {
      const value = await read.call(this)
      return this.url.endsWith("/query") ? scaled(value) : value
    }
  }`)
}

const inEverySize = Effect.fnUntraced(function* ({ busy, picture, pictureWithoutSession, sites }: View) {
  for (const [size, options] of sizes) {
    yield* picture(`overview-${size}`, busy("overview"), options)
    yield* picture(`live-${size}`, busy("live"), options)
    yield* picture(`inbox-${size}`, busy("inbox"), options, openFirst)
    yield* picture(`conversations-${size}`, busy("conversations"), options, openFirst)
    yield* picture(`sharing-${size}`, busy("sharing"), options)
    yield* picture(`sites-${size}`, "#/", options)
    yield* picture(`all-inbox-${size}`, "#/all/inbox", options, openFirst)
    yield* picture(`all-conversations-${size}`, "#/all/conversations", options, openFirst)
    yield* pictureWithoutSession(`shared-${size}`, `#/share/${sites.share}`, options)
    yield* pictureWithoutSession(`link-${size}`, "#/link/hcl_of_nobody", options)
    for (const section of sections) yield* picture(`setup-${section}-${size}`, busy(`setup/${section}`), options)
  }
})

const extremes = Effect.fnUntraced(function* ({ busy, picture, pictureWithoutSession, sites }: View) {
  for (const [size, options] of [
    ["whole", tall],
    ["phone-whole", tallPhone]
  ] as const) {
    yield* picture(`overview-${size}`, busy("overview"), options)
    yield* pictureWithoutSession(`shared-${size}`, `#/share/${sites.share}`, options)
  }
  yield* picture("overview-huge", busy("overview"), wide, { before: huge })
  yield* picture("overview-huge-phone", busy("overview"), phone, { before: huge })
  yield* picture("overview-huge-list", busy("overview?list=page"), phone, { before: huge })
  for (const page of ["overview", "inbox", "setup/webhooks"]) {
    const name = `${page.replace("/", "-")}-4k`
    yield* picture(name, busy(page), { viewport: { width: 3840, height: 2160 } }, page === "inbox" ? openFirst : {})
  }
  for (const [page, action] of [
    ["overview", nothing],
    ["inbox", openFirst],
    ["conversations", openFirst],
    ["sharing", nothing],
    ["setup/webhooks", nothing]
  ] as const) {
    const name = `${page.replace("/", "-")}-rtl`
    yield* picture(name, busy(page), wide, { before: fromRightToLeft, action })
    yield* picture(`${name}-phone`, busy(page), phone, { before: fromRightToLeft, action })
  }
  for (const [size, options] of [
    ["long", wide],
    ["long-phone", phone]
  ] as const) {
    yield* picture(`overview-${size}`, `#/${sites.longNamed}/overview`, options)
    yield* picture(`setup-website-${size}`, `#/${sites.longNamed}/setup/website`, options)
  }
})

const inOtherScripts = Effect.fnUntraced(function* ({ busy, picture, sites: { arabic } }: View) {
  const open =
    (text: string): PageAction =>
    async (page) => {
      await page.locator(".entry a").filter({ hasText: text }).first().click()
      await page.locator(".details header").waitFor()
    }
  for (const [size, options] of twoSizes) {
    yield* picture(`inbox-arabic-${size}`, busy("inbox"), options, open("layla@example.com"))
    yield* picture(`inbox-unbroken-${size}`, busy("inbox"), options, open("Donaudampf"))
    yield* picture(`conversations-hebrew-${size}`, busy("conversations"), options, open("קיאק"))
    yield* picture(`overview-arabic-${size}`, `#/${arabic}/overview`, options)
    yield* picture(`setup-website-arabic-${size}`, `#/${arabic}/setup/website`, options)
  }
})

const statesOfPages = Effect.fnUntraced(function* ({ busy, picture, sites }: View) {
  const filtered = busy("overview?range=91d&country=NO&source=www.google.com&metric=pageviews")
  yield* picture("overview-filtered", filtered, wide)
  yield* picture("overview-filtered-phone", filtered, phone)
  yield* picture("overview-point", busy("overview"), wide, async (page) => {
    await page.getByRole("slider").focus()
    await page.keyboard.press("Home")
    for (let step = 0; step < 12; step++) await page.keyboard.press("ArrowRight")
  })
  yield* picture("overview-table", busy("overview"), wide, press("Table"))
  yield* picture("overview-menu", busy("overview"), wide, (page) =>
    page.getByRole("button", { name: /^Days: / }).click()
  )
  yield* picture("overview-list", busy("overview?list=page"), wide)
  yield* picture("overview-list-split", busy("overview?list=page&split=country"), wide)
  yield* picture("overview-list-split-phone", busy("overview?list=page&split=country"), phone)
  yield* picture("overview-today", busy("overview?range=day"), wide)
  yield* picture("inbox-list-phone", busy("inbox"), phone)
  yield* picture("inbox-quarantined", busy("inbox?folder=quarantine"), wide, openFirst)
  for (const [size, options] of twoSizes) {
    yield* picture(`inbox-deleted-${size}`, busy("inbox?folder=deleted"), options, openFirst)
    yield* picture(`inbox-reply-${size}`, busy("inbox"), options, async (page) => {
      await openFirst(page)
      await press("Reply")(page)
    })
    yield* picture(`inbox-replied-${size}`, busy(`inbox/${sites.replied}`), options)
    yield* picture(`inbox-spam-${size}`, busy("inbox?folder=quarantine"), options, press("Marked as spam…"))
  }
  yield* picture("inbox-nothing-found", busy("inbox?search=nobody"), wide)
  yield* picture("inbox-export", busy("inbox"), wide, press("Export"))
  for (const [size, options] of [
    ["selected", wide],
    ["selected-phone", phone]
  ] as const) {
    yield* picture(`inbox-${size}`, busy("inbox"), options, async (page) => {
      for (const index of [0, 2]) await page.locator(".entry input").nth(index).check()
    })
  }
  yield* picture("inbox-delete", busy("inbox"), wide, async (page) => {
    await openFirst(page)
    await press("Delete")(page)
  })
  yield* picture("conversations-list-phone", busy("conversations"), phone)
  yield* picture("conversations-delete", busy("conversations"), wide, async (page) => {
    await openFirst(page)
    await press("Delete")(page)
  })
  yield* picture("bar-websites", busy("overview"), wide, (page) =>
    page.getByRole("button", { name: /^Websites: / }).click()
  )
  yield* picture("bar-theme-phone", busy("overview"), phone, press("Theme"))
})

const ofNewWebsite = Effect.fnUntraced(function* ({ picture, sites: { fresh } }: View) {
  for (const page of ["overview", "live", "inbox", "conversations", "sharing"]) {
    yield* picture(`${page}-new`, `#/${fresh}/${page}`, wide)
    yield* picture(`${page}-new-phone`, `#/${fresh}/${page}`, phone)
  }
  for (const section of sections) yield* picture(`setup-${section}-new`, `#/${fresh}/setup/${section}`, wide)
  yield* picture("overview-new-command", `#/${fresh}/overview`, wide, (page) =>
    page.getByText("or on the command line").click()
  )
})

export const takeAll = Effect.fnUntraced(function* (view: View) {
  yield* inEverySize(view)
  yield* extremes(view)
  yield* inOtherScripts(view)
  yield* statesOfPages(view)
  yield* ofNewWebsite(view)
})
