import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as RedisUrl from "../../../src/platform/redis/RedisUrl.ts"

const Name = Schema.Literals(["redis", "cache-1.internal", "10.0.0.7", "::1", "2001:db8::4"])
const Host = Schema.Struct({ host: Name, port: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 65_535 })) })
const Text = Schema.String.check(Schema.isMaxLength(12))

const Address = Schema.Struct({
  hosts: Schema.NonEmptyArray(Host).check(Schema.isMaxLength(4)),
  tls: Schema.Boolean,
  username: Text,
  password: Text,
  database: Schema.UndefinedOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 20 }))),
  master: Schema.UndefinedOr(Schema.Literals(["edge", "the master", "a/b"]))
})

const isEncodable = (text: string): boolean => text.isWellFormed()

const format = ({ database, hosts, master, password, tls, username }: typeof Address.Type): string =>
  [
    `redis${tls ? "s" : ""}${master === undefined ? "" : "+sentinel"}://`,
    `${encodeURIComponent(username)}:${encodeURIComponent(password)}@`,
    hosts.map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`).join(","),
    master === undefined ? "" : `/${encodeURIComponent(master)}`,
    database === undefined ? "" : `/${database}`
  ].join("")

describe("platform/redis/RedisUrl", () => {
  it.prop("a URL is read as it was written", [Address], ([address]) => {
    if (!isEncodable(address.username) || !isEncodable(address.password)) return
    const { database, hosts, master, password, tls, username } = address
    assert.deepStrictEqual(Result.getOrThrow(RedisUrl.parse(format(address))), {
      hosts,
      tls,
      login: { username: username || undefined, password: password || undefined },
      database,
      master: master === undefined ? undefined : { name: master, login: { username: undefined, password: undefined } }
    })
  })

  it("the ports of servers and Sentinels have defaults, and a password may contain @", () => {
    const hostsOf = (text: string) => Result.getOrThrow(RedisUrl.parse(text)).hosts
    assert.deepStrictEqual(hostsOf("redis://a,b:7000/"), [
      { host: "a", port: 6379 },
      { host: "b", port: 7000 }
    ])
    assert.deepStrictEqual(hostsOf("redis+sentinel://a/edge"), [{ host: "a", port: 26_379 }])
    assert.deepStrictEqual(Result.getOrThrow(RedisUrl.parse("redis://:p@ss@a")).login.password, "p@ss")
    const { master } = Result.getOrThrow(
      RedisUrl.parse("redis+sentinel://a/edge/2?sentinel_user=watch&sentinel_password=s%20+w")
    )
    assert.deepStrictEqual(master, { name: "edge", login: { username: "watch", password: "s +w" } })
  })

  it.each([
    ["redis", "is not usable"],
    ["http://host", "is not usable"],
    ["redis://", "has a host that cannot be read"],
    ["redis://a,,b", "has a host that cannot be read"],
    ["redis://a:0", "has a host that cannot be read"],
    ["redis://a:99999", "has a host that cannot be read"],
    ["redis://[nowhere", "has a host that cannot be read"],
    ["redis://a/sesame", "must end with its hosts"],
    ["redis://a/1/2", "must end with its hosts"],
    ["redis://u:%zz@a", "has a % that does not begin"],
    ["redis://a?ssl=sesame", "has a parameter"],
    ["redis+sentinel://a", "names no master"],
    ["redis+sentinel://a/edge/sesame", "must end with /master"],
    ["redis+sentinel://a/edge?sesame=1", "has a parameter that the service does not support"],
    [`redis://${Array.from({ length: 33 }, () => "a").join()}`, "names more than 32 hosts"]
  ])("%s is refused", (text, expected) => {
    const fault = Result.getOrThrow(Result.flip(RedisUrl.parse(text)))
    assert.include(fault, expected)
    // "sesame" stands for a secret.
    assert.notInclude(fault, "sesame")
    assert.match(fault, /\.$/)
  })
})
