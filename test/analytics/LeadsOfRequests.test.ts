/** Which submissions and chats are leads, over a real socket. */
import { assert, layer, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import { Leads } from "../../src/analytics/Lead.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { postgres, type Storage } from "../support/Storages.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"
import { submissionsOf } from "../support/TestSubmissions.ts"

const browser = { origin: "https://www.shop.test", "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0" }

/** Matches leads until `count` are matched. */
const matchUntil = (count: number) =>
  Effect.gen(function* () {
    const { match } = yield* Leads
    let matched = 0
    while (matched < count) {
      matched += (yield* match).matched
      yield* Effect.sleep("10 millis")
    }
    return matched
  }).pipe(Effect.timeout("60 seconds"))

const suite = (it: Vitest.MethodsNonLive<TestServer | Storage>) => {
  it.effect("a browser's form and chat are leads; those of other programs, of bots and with leads off are none", () =>
    Effect.gen(function* () {
      const { instance, send, trackingToken, websiteConfigId, widgetToken } = yield* TestServer
      yield* InstanceDirectory.use(({ update }) => update(instance.instance_id, { website_config_id: websiteConfigId }))
      const view = (headers: Record<string, string>) =>
        send(paths.track, { site_id: trackingToken, page_path: "/landing?utm_source=ads" }, { headers })
      const submit = (name: string, headers: Record<string, string>, more: Record<string, string> = {}) =>
        send(paths.submit, { site_id: websiteConfigId, form_data: { name, ...more } }, { headers })
      const chat = (headers: Record<string, string>) =>
        send(
          paths.chat(instance.instance_id),
          { message: "hello" },
          { headers: { "x-widget-token": widgetToken, ...headers } }
        )
      const bot = { ...browser, "user-agent": "Googlebot/2.1 (+http://www.google.com/bot.html)" }
      for (const headers of [browser, bot]) assert.strictEqual((yield* view(headers)).status, 204)
      yield* submit("a browser", browser)
      // Sent by scripts of earlier versions: accepted, not stored, and without effect.
      yield* submit("an old script", browser, { hydracore_session: "0.123" })
      yield* submit("with leads off", browser, { hydracore_leads: "off" })
      yield* submit("a server", { "user-agent": browser["user-agent"] })
      yield* submit("a bot", bot)
      yield* chat({ ...browser, "x-hydracore-leads": "off" })
      yield* chat({ "user-agent": browser["user-agent"] })
      assert.strictEqual((yield* chat({ ...browser, "x-hydracore-session": "0.123" })).status, 200)
      assert.strictEqual(yield* matchUntil(3), 3)
      const stored = yield* submissionsOf(websiteConfigId)
      assert.sameDeepMembers(
        stored.map(({ attribution, formData }) => [formData, attribution.source]),
        [
          ['{"name":"a browser"}', "ads"],
          ['{"name":"an old script"}', "ads"],
          ['{"name":"with leads off"}', null],
          ['{"name":"a server"}', null],
          ['{"name":"a bot"}', null]
        ]
      )
      // Of the others, only the bot's submission is pending.
      assert.deepStrictEqual(yield* Leads.use(({ match }) => match), { matched: 0, dropped: 0 })
    })
  )
}

layer(testServer({}, undefined, undefined, postgres()), { excludeTestServices: true })("leads on PostgreSQL", suite)
