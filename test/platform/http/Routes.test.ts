import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { Api } from "../../../src/api/Api.ts"
import { OwnerApi } from "../../../src/api/OwnerApi.ts"
import * as Routes from "../../../src/platform/http/Routes.ts"
import { endpointsOf } from "../../../src/server/Middleware.ts"

const templates = [
  "/v1/public/analytics/track",
  "/v1/public/widget/:instance_id/chat",
  "/v1/public/embed.:hash.js",
  "/docs"
]
const routeOf = Routes.make(templates)

const methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

const Segment = Schema.String.check(Schema.isPattern(/^[^/?]+$/))

describe("platform/http/Routes", () => {
  it.prop("returns labels from the closed lists only", [Schema.String, Schema.String], ([url, more]) => {
    for (const target of [
      url,
      `/${url}`,
      `${templates[0]}${url}`,
      `/v1/public/widget/${url}/${more}`,
      `/docs?${url}`
    ]) {
      assert.include([...templates, Routes.other], routeOf(target))
    }
    assert.include([...methods, Routes.other], Routes.methodOf(url))
  })

  it.prop("matches routes with any parameter and any query", [Segment, Schema.String], ([segment, query]) => {
    for (const template of templates) {
      const path = template.replace(/:[a-z_]+/, () => segment)
      assert.strictEqual(routeOf(path), template)
      assert.strictEqual(routeOf(`${path}?${query}`), template)
    }
  })

  it("the method of each endpoint is a label", () => {
    for (const { method } of [...endpointsOf(Api), ...endpointsOf(OwnerApi)]) {
      assert.strictEqual(Routes.methodOf(method), method)
    }
  })

  it("does not match parts or extensions of a route, or a route in another letter case", () => {
    for (const url of [
      "",
      "/",
      "/v1/public/widget//chat",
      "/v1/public/widget/chat",
      "/v1/public/widget/a/b/chat",
      "/v1/public/embed..js",
      "/v1/public/embed.js",
      "/DOCS",
      "/docs/",
      "//docs"
    ]) {
      assert.strictEqual(routeOf(url), Routes.other, url)
    }
  })
})
