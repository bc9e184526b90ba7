/**
 * The events that the tracker sends when a page asks for them, and the browsers that it leaves out.
 */
import { assert, describe } from "@effect/vitest"
import { Effect } from "effect"
import { inChromium } from "../support/browser/Browser.ts"
import * as BrowserSite from "../support/browser/BrowserSite.ts"
import { paths, layer as testServer } from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

/** A website whose links and forms do not leave the page, and the events that arrived. */
const make = (body: string, attributes = "") =>
  Effect.gen(function* () {
    const website = yield* BrowserSite.make()
    const { open, page, pages, relay, script, site } = website
    pages["/a"] = `${script(attributes)}${body}
      <script>addEventListener("click", (event) => event.target.matches("a") && event.preventDefault())
      addEventListener("submit", (event) => event.preventDefault())</script>`
    yield* open(`${site.url}/a?secret=1`)
    yield* until("the view", () => website.views().length > 0)
    const events = () => relay.of(paths.event).map(({ body }) => JSON.parse(body) as Record<string, unknown>)
    return {
      ...website,
      events,
      names: () => events().map(({ name }) => name),
      click: (selector: string) => Effect.promise(() => page.click(selector)),
      /** Whether the script for events was loaded. */
      isLoaded: () =>
        page.evaluate<boolean>(`performance.getEntriesByType("resource").some(({ name }) => name.includes("/events"))`)
    }
  })

inChromium("events", testServer(), (it) => {
  describe("are sent", () => {
    it.effect("by hydracore.event, with the session of the page view, and the edge accepts them", () =>
      Effect.gen(function* () {
        const { edge, errors, evaluate, events, isLoaded, relay } = yield* make("")
        assert.isFalse(yield* Effect.promise(isLoaded))
        yield* evaluate(`hydracore.event("Booking", { tour: "First strokes", people: 2 },
          { revenue: { currency: "EUR", amount: 150 }, interactive: false })`)
        yield* until("the event", () => events().length === 1)
        const { referrer: _, screen_width: __, ...event } = events()[0]!
        assert.deepStrictEqual(event, {
          site_id: edge.trackingToken,
          page_path: "/a?secret=1",
          name: "Booking",
          properties: { tour: "First strokes", people: 2 },
          revenue: { currency: "EUR", amount: 150 },
          interactive: false
        })
        assert.strictEqual(relay.of(paths.event, "OPTIONS").length, 0)
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("by a click on an element, by the submission of a form, and for elements that are added later", () =>
      Effect.gen(function* () {
        const { click, errors, evaluate, fence, isLoaded, names } = yield* make(`
          <button data-hydracore-event="Signup"><b>Sign up</b></button>
          <form data-hydracore-event="Search"><input id="field" name="q"><button id="go">Go</button></form>`)
        yield* until("the script", isLoaded)
        yield* fence
        yield* click("button b")
        yield* until("the first event", () => names().length === 1)
        yield* click("#field")
        yield* click("#go")
        yield* until("the second event", () => names().length === 2)
        yield* evaluate(`document.body.insertAdjacentHTML("beforeend", '<i data-hydracore-event="Later">x</i>')`)
        yield* click("i")
        yield* until("the third event", () => names().length === 3)
        yield* fence
        assert.deepStrictEqual(names(), ["Signup", "Search", "Later"])
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("by forms whose fields have the names of methods", () =>
      Effect.gen(function* () {
        const { errors, evaluate, fence, isLoaded, names } = yield* make(`
          <form data-hydracore-event="Search"><input name="matches"><input name="getAttribute">
          <button id="go">Go</button><i data-hydracore-event="Help">?</i></form>`)
        yield* until("the script", isLoaded)
        yield* fence
        yield* evaluate(`document.querySelector("i").click(); document.querySelector("#go").click()`)
        yield* until("the events", () => names().length === 2)
        assert.deepStrictEqual(names(), ["Help", "Search"])
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("for outbound links and downloads, if the tag asks for them, without the link's query", () =>
      Effect.gen(function* () {
        const links = `<a id="out" href="https://other.example/path?token=1#x">out</a>
          <a id="file" href="/files/Price-List.PDF?token=1">file</a>
          <a id="in" href="/b">in</a> <a id="mail" href="mailto:a@example.org">mail</a>
          <a id="tagged" href="https://other.example/" data-hydracore-event="Partner">partner</a>`
        const { click, errors, events, fence, isLoaded, site } = yield* make(links, "data-outbound data-downloads")
        yield* until("the script", isLoaded)
        yield* fence
        for (const id of ["out", "file", "in", "mail", "tagged"]) yield* click(`#${id}`)
        yield* until("the events", () => events().length === 3)
        yield* fence
        assert.deepStrictEqual(
          events().map(({ name, properties }) => [name, properties]),
          [
            ["Outbound Link: Click", { url: "https://other.example/path" }],
            ["File Download", { url: `${site.url}/files/Price-List.PDF` }],
            ["Partner", undefined]
          ]
        )
        assert.deepStrictEqual(errors, [])
      })
    )
  })

  describe("are not sent", () => {
    it.effect("for outbound links and downloads, if the tag does not ask for them; the script is not even loaded", () =>
      Effect.gen(function* () {
        const { click, errors, events, fence, isLoaded } = yield* make(
          `<a id="out" href="https://other.example/">out</a><a id="file" href="/a.pdf">file</a>`
        )
        yield* click("#out")
        yield* click("#file")
        yield* fence
        assert.deepStrictEqual(events(), [])
        assert.isFalse(yield* Effect.promise(isLoaded))
        assert.deepStrictEqual(errors, [])
      })
    )

    it.effect("in a browser that `hydracore_ignore` leaves out, and neither are page views", () =>
      Effect.gen(function* () {
        const { errors, evaluate, events, fence, open, site, views } = yield* make("")
        const before = views().length
        yield* evaluate(`localStorage.hydracore_ignore = "1"`)
        yield* evaluate(`hydracore.event("Signup"); hydracore.track("/b")`)
        yield* open(`${site.url}/a`)
        yield* evaluate(`hydracore.event("Signup")`)
        yield* fence
        assert.strictEqual(views().length, before)
        assert.deepStrictEqual(events(), [])
        yield* evaluate(`localStorage.removeItem("hydracore_ignore"); hydracore.track("/c")`)
        yield* until("a view", () => views().length === before + 1)
        assert.deepStrictEqual(errors, [])
      })
    )
  })

  it.effect("page views are sent to the neutral path, if the tag names it", () =>
    Effect.gen(function* () {
      const { errors, open, pages, relay, script, site, views } = yield* BrowserSite.make()
      pages["/a"] = script(`data-track="view"`)
      yield* open(`${site.url}/a`)
      yield* until("the view", () => relay.of(paths.view).length === 1)
      assert.deepStrictEqual(views(), [])
      assert.deepStrictEqual(errors, [])
    })
  )
})
