/**
 * The problems of a website in the console: the line on the overview, the button that allows a refused origin, and the list.
 */
import { assert } from "@effect/vitest"
import { Effect, Option } from "effect"
import { AgentFailures } from "../../src/chat/AgentFailures.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { Problems } from "../../src/health/Problem.ts"
import * as Decision from "../../src/platform/http/Decision.ts"
import { Decisions } from "../../src/sites/Decisions.ts"
import type { Site } from "../../src/sites/Site.ts"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { inChromium } from "../support/browser/Browser.ts"
import * as ConsolePage from "../support/console/ConsolePage.ts"
import { poll } from "../support/Wait.ts"

/** A website whose pages of a new origin are refused, and whose assistant does not answer. */
const brokenSite = Effect.gen(function* () {
  const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Broken", origins: ["https://old.example"] }))
  const { instance_id: instanceId } = yield* InstanceDirectory.use((instances) =>
    instances.create({ name: "Guide", agent_url: "http://agent", website_config_id: site.websiteConfigId })
  )
  const subject = { _tag: "Known", websiteConfigId: site.websiteConfigId } as const
  yield* Effect.replicateEffect(
    Decisions.use(({ record }) => record(subject, "foreign-origin", Decision.refused("https://new.example"))),
    3
  )
  const fail = AgentFailures.use(({ record }) =>
    record(instanceId, { _tag: "Failed", kind: "failed", reason: "it answered 401" })
  )
  yield* Effect.replicateEffect(fail, 2)
  const problems = Problems.use(({ of }) => of([site])).pipe(
    Effect.map((found) => found.get(site.websiteConfigId) ?? [])
  )
  yield* poll(problems, (found) => found.length === 2)
  return { site, instanceId, problems }
})

const answered = (instanceId: string) => AgentFailures.use(({ record }) => record(instanceId, { _tag: "Answered" }))

const originsOf = (site: Site) =>
  Effect.gen(function* () {
    const sites = yield* SiteDirectory
    yield* sites.invalidate(site)
    return Option.getOrThrow(yield* sites.byWebsiteConfigId(site.websiteConfigId)).origins
  })

inChromium("the console's problems", ConsolePage.layerOfTwoDays, (it) => {
  it.effect("are on the overview with the next step, and a button allows a refused origin", () =>
    Effect.gen(function* () {
      const { instanceId, problems, site } = yield* brokenSite
      const { loaded, on, page, show } = yield* ConsolePage.open(`#/${site.websiteConfigId}/overview`)
      yield* on(() => page.getByText("“Guide” does not answer").waitFor())
      yield* on(() => page.getByText(/2 questions without an answer · since/).waitFor())
      yield* on(() => page.getByRole("link", { name: "One more problem" }).click())
      yield* on(() => page.getByText("https://new.example is refused").waitFor())
      yield* on(() => page.getByText("it answered 401").waitFor())
      yield* loaded
      assert.deepStrictEqual(yield* on(() => ConsolePage.violationsOfPart(page, "main")), [])
      // The next step names its button, which is one click away.
      yield* on(() =>
        page
          .locator(".settings")
          .getByText(/Try the assistant, then correct the URL/)
          .waitFor()
      )
      yield* on(() => page.locator(".settings").getByRole("link", { name: "Assistants" }).click())
      yield* on(() => page.getByRole("button", { name: "Try" }).waitFor())

      yield* answered(instanceId)
      yield* poll(problems, (found) => found.length === 1)
      yield* show(`#/${site.websiteConfigId}/overview`)
      yield* on(() => page.getByText("https://new.example is refused").waitFor())
      yield* on(() => page.getByRole("button", { name: "Allow this origin" }).click())
      yield* on(() => page.getByText("https://new.example is refused").waitFor({ state: "detached" }))
      yield* on(() => page.locator("#content:focus").waitFor())
      assert.deepStrictEqual(yield* originsOf(site), ["https://old.example", "https://new.example"])
      yield* show(`#/${site.websiteConfigId}/setup/problems`)
      yield* on(() => page.getByText("Nothing is wrong.").waitFor())
    })
  )

  it.effect("lead a member nowhere, who may make none of the next steps", () =>
    Effect.gen(function* () {
      const { site } = yield* brokenSite
      const { on, page } = yield* ConsolePage.open(`#/${site.websiteConfigId}/setup/problems`, {}, "member")
      yield* on(() => page.getByText("https://new.example is refused").waitFor())
      assert.strictEqual(yield* on(() => page.getByRole("button", { name: "Allow this origin" }).count()), 0)
      assert.strictEqual(yield* on(() => page.locator(".settings").getByRole("link").count()), 0)
    })
  )
})
