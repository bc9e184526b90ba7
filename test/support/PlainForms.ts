/** Creates websites, sends forms to them, and reads the decisions. */
import { Effect } from "effect"
import { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { paths, TestServer } from "./TestServer.ts"
import { submissionsOf } from "./TestSubmissions.ts"

/** The website's origin in the tests that allow only one. */
export const ownOrigin = "https://shop.example"

export const urlencoded = { headers: { "content-type": "application/x-www-form-urlencoded", accept: "text/html" } }

export const browser = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0" }

export const decisionOf = ({ headers }: { readonly headers: Headers }) => headers.get("x-hydracore-decision")

/** Creates a website, and functions that send forms to it. */
export const withSite = (origins: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    const { send, url } = yield* TestServer
    const site = yield* SiteDirectory.use((sites) => sites.create({ name: "Plain", origins }))
    const form = (
      body: string | URLSearchParams | FormData,
      options: { readonly query?: string; readonly headers?: Record<string, string> } = {}
    ) =>
      Effect.promise(async () => {
        const query = options.query ?? `site=${site.websiteConfigId}`
        const response = await fetch(`${url}${paths.submit}${query === "" ? "" : `?${query}`}`, {
          method: "POST",
          redirect: "manual",
          headers: { accept: "text/html,application/xhtml+xml", ...options.headers },
          body
        })
        return { status: response.status, headers: response.headers, text: await response.text() }
      })
    const submit = (form_data: object, headers: Record<string, string> = {}, more: object = {}) =>
      send(paths.submit, { site_id: site.websiteConfigId, form_data, ...more }, { headers })
    const stored = submissionsOf(site.websiteConfigId)
    return { site, form, submit, stored }
  })

export const multipart = (fields: ReadonlyArray<readonly [string, string | File]>): FormData => {
  const data = new FormData()
  for (const [name, value] of fields) data.append(name, value)
  return data
}
