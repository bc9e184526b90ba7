import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { parse } from "../../../src/platform/clickhouse/AnalyticsUrl.ts"

describe("platform/clickhouse/AnalyticsUrl", () => {
  it("reads the URL, with the ports of ClickHouse's HTTP interface as the default", () => {
    for (const [text, url, user, password, database] of [
      ["clickhouse://a:b@host:9/db", "http://host:9", "a", "b", "db"],
      ["clickhouse://host/db", "http://host:8123", "default", "", "db"],
      ["clickhouses://a%40:%2F%25@host/db_1", "https://host:8443", "a@", "/%", "db_1"],
      ["clickhouses://host:443/db", "https://host:443", "default", "", "db"],
      ["clickhouse://host:80/db", "http://host:80", "default", "", "db"],
      ["clickhouse://a:x:443y@host/db", "http://host:8123", "a", "x:443y", "db"],
      ["clickhouse://[::1]:8124/db", "http://[::1]:8124", "default", "", "db"]
    ] as const) {
      assert.deepStrictEqual(Result.getOrThrow(parse(text)), { url, user, password, database })
    }
  })

  it("says what is wrong without repeating the password", () => {
    for (const [text, fault] of [
      ["http://host:8123/db", "is not usable"],
      ["clickhouse://host:8123", "names no database"],
      ["clickhouse://host:8123/a-b", "names no database"],
      ["clickhouse://a:secret@host/db?x=secret", "has parameters"],
      ["clickhouse://a:secret%@host/db", "has a %"],
      ["clickhouse://a:secret#@host/db", "cannot be read"],
      ["clickhouse://a:secret@host:99999/db", "cannot be read"]
    ] as const) {
      const message = Result.getOrThrow(Result.flip(parse(text)))
      assert.isTrue(message.startsWith(fault), `${text}: ${message}`)
      assert.notInclude(message, "secret")
    }
  })
})
