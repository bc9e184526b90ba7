/**
 * Requests and responses as text that can be compared with a golden. What differs from run to run has a name in angle brackets.
 * Pure.
 *
 * @module
 */
import { createHash } from "node:crypto"
import type { Request, Response } from "./Http.ts"

/** Headers of HTTP itself: framing, date and management of connections. */
const ofHttp = new Set(["connection", "content-length", "date", "keep-alive", "transfer-encoding"])

/** The headers of a request that say which visitor sends it. */
const ofVisitor = new Set(["x-forwarded-for"])

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** A character that repeats, with the number of times. */
const shortened = (text: string): string =>
  text.replace(/(.)\1{99,}/gsu, (run, one: string) => `${one}{${[...run].length} times}`)

/** Replaces what differs from run to run. `names` are values with a name. Other ids are numbered as they occur. */
export const normalizer = (names: () => Iterable<readonly [value: string, name: string]>) => {
  const ids: Array<string> = []
  const numberOf = (id: string) => {
    if (!ids.includes(id)) ids.push(id)
    return ids.indexOf(id) + 1
  }
  return (text: string): string => {
    let named = text
    // The longest first, because a value may contain another.
    for (const [value, name] of [...names()].sort(([one], [other]) => other.length - one.length))
      named = named.replaceAll(value, `<${name}>`)
    return (
      named
        .replace(uuid, (id) => `<id ${numberOf(id)}>`)
        .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g, "<time>")
        .replace(/"created":\d{10}/g, '"created":<time>')
        // The names of built files have hashes of their content.
        .replace(/(\/assets\/[a-z]+)-\w{8}(?=\.)/g, "$1-<hash>")
    )
  }
}

const style = /(?<=<style>)[\s\S]*?(?=<\/style>)/g

/** A page without its style sheet, whose digest in the Content-Security-Policy must be right. */
const unstyled = (text: string): string =>
  [...text.matchAll(style)]
    .map(([sheet]) => createHash("sha256").update(sheet).digest("base64"))
    .reduce((rest, digest) => rest.replaceAll(`sha256-${digest}`, "sha256-<of the style sheet>"), text)
    .replace(style, "…")

const visible = (text: string): string => text.replaceAll("\r", "␍")

const request = ({ body, headers = {}, method = "POST", path, raw, after }: Request): string =>
  [
    ...(raw === undefined
      ? [
          `${method} ${path}`,
          ...Object.entries(headers).flatMap(([name, value]) => (ofVisitor.has(name) ? [] : [`${name}: ${value}`])),
          ...(body === undefined ? [] : ["", Buffer.from(body).toString("utf8")])
        ]
      : ["these bytes:", raw]),
    ...(after === undefined ? [] : ["", `(${after === "cut" ? "the sender closes" : "no more bytes follow"})`])
  ].join("\n")

const response = ({ body, headers, status }: Response): string => {
  const isLimit = status === 429 && headers.some(([name]) => name === "ratelimit")
  return [
    String(status),
    ...headers.flatMap(([name, value]) => {
      if (ofHttp.has(name)) return []
      if (name === "ratelimit") return [`${name}: ${value.replace(/t=\d+/g, "t=<seconds>")}`]
      if (name === "retry-after" && isLimit) return [`${name}: <seconds>`]
      // Whether a client should retry depends on the seconds until it may.
      if (name === "x-should-retry" && isLimit) return []
      return [`${name}: ${value}`]
    }),
    ...(body === "" ? [] : ["", body])
  ].join("\n")
}

const indented = (text: string, prefix: string): string =>
  text
    .split("\n")
    .map((line) => `${prefix}${line}`.trimEnd())
    .join("\n")

/** One exchange: the request after `>`, the response after `<`. */
export const exchange = (sent: Request, received: Response, normalize: (text: string) => string): string =>
  [
    indented(visible(shortened(normalize(request(sent)))), "> "),
    indented(visible(shortened(normalize(unstyled(response(received))))), "< ")
  ].join("\n")
