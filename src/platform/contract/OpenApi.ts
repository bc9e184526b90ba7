/**
 * Adds to the generated OpenAPI document what `effect/http-api` cannot declare, and removes what readers do not need. Pure.
 *
 * @module
 */
import { Predicate } from "effect"

type Json = Record<string, unknown>

const mapValues = (object: unknown, map: (value: unknown, key: string) => unknown): Json =>
  Predicate.isObject(object)
    ? Object.fromEntries(Object.entries(object).map(([key, value]) => [key, map(value, key)]))
    : {}

const objectOf = (value: unknown): Json => (Predicate.isObject(value) ? value : {})

/** Unknown properties are ignored, not rejected. */
const allowOtherProperties = (schema: Json): Json => {
  const { additionalProperties, ...rest } = schema
  return additionalProperties === false ? rest : schema
}

/** Whether a bound is just the range of safe integers, which readers do not need. */
const isSafeIntegerBound = (key: string, value: unknown): boolean =>
  (key === "minimum" && value === Number.MIN_SAFE_INTEGER) || (key === "maximum" && value === Number.MAX_SAFE_INTEGER)

/** Whether a member describes how Effect's servers report a failure in a stream. This service reports a failure in a frame. */
const isEffectStream = (key: string): boolean => key === "x-effect-stream"

/** Linters require `items` of every array. A tuple's `maxItems` already forbids items after the prefix. */
const closeTuple = (schema: Json): Json =>
  "prefixItems" in schema && !("items" in schema) ? { ...schema, items: {} } : schema

const normalize = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(normalize)
  if (!Predicate.isObject(value)) return value
  return Object.fromEntries(
    Object.entries(closeTuple(allowOtherProperties(value)))
      .filter(([key, member]) => !isSafeIntegerBound(key, member) && !isEffectStream(key))
      .map(([key, member]) => [key, normalize(member)])
  )
}

const reference = (name: string): string => `#/components/schemas/${name}`

/** The generator duplicates a schema that has a second encoding. Maps the references of the copies to the original's. */
const duplicates = (schemas: Json): ReadonlyMap<unknown, string> =>
  new Map(
    Object.entries(schemas).flatMap(([name, schema]) => {
      const [, original = ""] = /^(.+)_\d+$/.exec(name) ?? []
      const isSame = JSON.stringify(schemas[original]) === JSON.stringify(schema)
      return isSame ? [[reference(name), reference(original)] as const] : []
    })
  )

const withoutDuplicates = (document: Json): Json => {
  const originals = duplicates(objectOf(objectOf(document["components"])["schemas"]))
  const refer = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(refer)
    if (!Predicate.isObject(value)) return value
    return mapValues(value, (member, key) => (key === "$ref" ? (originals.get(member) ?? member) : refer(member)))
  }
  const components = objectOf(document["components"])
  const schemas = Object.entries(objectOf(components["schemas"])).filter(([name]) => !originals.has(reference(name)))
  return objectOf(refer({ ...document, components: { ...components, schemas: Object.fromEntries(schemas) } }))
}

const text = (description: string) => ({ schema: { type: "string", description }, required: false })

/** The headers of every response of the public API, which the CORS middleware adds. */
const cors = {
  "access-control-allow-origin": text("`*`: any website may read the response"),
  "access-control-expose-headers": text("The headers that a website may read")
}

/** The headers of every response of the owner API. */
const owner = {
  "cache-control": text("The response is not stored"),
  "cross-origin-resource-policy": text("No page of another origin may embed the response"),
  "x-content-type-options": text("The content type is not guessed"),
  "ratelimit-policy": text('The rate limit of the key: requests and window in seconds, such as `"owner";q=600;w=60`'),
  ratelimit: text("What remains of the rate limit, and the seconds until more is allowed")
}

/** The headers of every response of an operation on a console session or a shared dashboard. The generator cannot declare `set-cookie`. */
const session = {
  ...owner,
  "set-cookie": text("The cookie of the session or the shared dashboard, where it is set or cleared")
}

/** The headers of every HTML page. The generator declares the headers of a status for its JSON only. */
const page = {
  "content-security-policy": text("The page loads and runs nothing, and at most the form's origin may frame it"),
  "cache-control": text("The response is not stored"),
  "referrer-policy": text("Links from the page name no referrer"),
  "x-content-type-options": text("The content type is not guessed")
}

const canonicalNames = [
  "Allow",
  "Access-Control-Allow-Origin",
  "Access-Control-Expose-Headers",
  "Cache-Control",
  "Content-Disposition",
  "Content-Security-Policy",
  "Cross-Origin-Resource-Policy",
  "Location",
  "RateLimit",
  "RateLimit-Policy",
  "Referrer-Policy",
  "Retry-After",
  "Set-Cookie",
  "WWW-Authenticate",
  "X-Accel-Buffering",
  "X-Content-Type-Options",
  "X-Error-Id",
  "X-HydraCore-Decision",
  "X-Should-Retry",
  "X-Vercel-AI-UI-Message-Stream"
]

const canonical = new Map(canonicalNames.map((name) => [name.toLowerCase(), name]))

/** The headers with integer values. The generator declares every header as text. */
const integers = new Set(["Retry-After"])

const withType = (name: string, header: unknown): unknown =>
  integers.has(name)
    ? { ...objectOf(header), schema: { ...objectOf(objectOf(header)["schema"]), type: "integer" } }
    : header

/** Replaces the headers of a response with references, and adds the headers to `components`. */
const referHeaders = (headers: Json, components: Map<string, unknown>): Json => {
  const entries = Object.entries(headers).map(([lowerCase, generated]) => {
    const name = canonical.get(lowerCase) ?? lowerCase
    const header = withType(name, generated)
    const known = components.get(name)
    if (known === undefined) components.set(name, header)
    const isSame = known === undefined || JSON.stringify(known) === JSON.stringify(header)
    return [name, isSame ? { $ref: `#/components/headers/${name}` } : header] as const
  })
  return Object.fromEntries(entries)
}

const namesOf = (schema: Json): ReadonlyArray<string> => {
  const alternatives = Array.isArray(schema["anyOf"]) ? schema["anyOf"].map(objectOf) : [schema]
  return alternatives.map(({ $ref }) => String($ref).slice(reference("").length))
}

/** Copies the first example of each schema to the body, because not every tool finds it in the schema. */
const withExamples = (content: unknown, schemas: Json): Json =>
  mapValues(content, (media) => {
    const { schema, ...rest } = objectOf(media)
    const examples = namesOf(objectOf(schema)).flatMap((name) => {
      const [value] = [objectOf(schemas[name])["examples"]].flat()
      return value === undefined ? [] : [[name, { value }] as const]
    })
    const [first] = examples
    if (first === undefined) return media
    return examples.length === 1
      ? { schema, ...rest, example: first[1].value }
      : { schema, ...rest, examples: Object.fromEntries(examples) }
  })

/**
 * Returns a transformation of an operation with a streamed response, of which the generator declares neither a description nor an
 * example. `examples` has the beginning of a stream by its media type.
 */
export const streamed =
  (description: string, examples: Readonly<Record<string, string>> = {}) =>
  (operation: Json): Json => ({
    ...operation,
    responses: mapValues(operation["responses"], (response, status) =>
      status === "200"
        ? {
            ...objectOf(response),
            description,
            content: mapValues(objectOf(response)["content"], (media, type) =>
              type in examples ? { ...objectOf(media), example: examples[type] } : media
            )
          }
        : response
    )
  })

/** A schema with its name as its title, which some tools show. The text of a frame has no name. */
const titled = (schema: unknown, name: string): Json => {
  const { description, examples, title = name, ...rest } = objectOf(schema)
  const notes = {
    ...(description === undefined ? {} : { description }),
    ...(examples === undefined ? {} : { examples })
  }
  return { ...rest, ...("contentMediaType" in rest ? {} : { title }), ...notes }
}

/** Completes a document. `commonHeaders` returns the headers of all responses of an operation. */
const publish = (document: Json, commonHeaders: (operation: Json) => Json): Json => {
  const normalized = withoutDuplicates(objectOf(normalize(document)))
  const components = objectOf(normalized["components"])
  const schemas = mapValues(components["schemas"], titled)
  const headers = new Map<string, unknown>()

  const publishResponse = (response: unknown, common: Json): Json => {
    const { content, headers: own, ...rest } = objectOf(response)
    const all = { ...objectOf(own), ...("text/html" in objectOf(content) ? page : {}), ...common }
    return {
      ...rest,
      headers: referHeaders(all, headers),
      ...(content === undefined ? {} : { content: withExamples(content, schemas) })
    }
  }
  const publishOperation = (value: unknown): Json => {
    const operation = objectOf(value)
    const body = operation["requestBody"]
    const common = commonHeaders(operation)
    return {
      ...operation,
      ...(Predicate.isObject(body)
        ? { requestBody: { ...body, content: withExamples(body["content"], schemas) } }
        : {}),
      responses: mapValues(operation["responses"], (response) => publishResponse(response, common))
    }
  }
  const paths = mapValues(normalized["paths"], (methods) => mapValues(methods, publishOperation))
  return { ...normalized, paths, components: { ...components, schemas, headers: Object.fromEntries(headers) } }
}

/** The published document of the public API. */
export const asPublicDocument = (document: Json): Json => publish(document, () => cors)

/**
 * The published document of the owner API. `sentences` has a sentence for the end of the description of an operation, by the
 * operation's id.
 */
export const asOwnerDocument = (document: Json, sentences: ReadonlyMap<unknown, string>): Json => {
  const describe = (operation: Json): Json => {
    const sentence = sentences.get(operation["operationId"])
    return sentence === undefined ? operation : { ...operation, description: `${operation["description"]} ${sentence}` }
  }
  const described = {
    ...document,
    paths: mapValues(document["paths"], (methods) => mapValues(methods, (operation) => describe(objectOf(operation))))
  }
  return publish(described, ({ tags }) =>
    Array.isArray(tags) && (tags.includes("Session") || tags.includes("Shared")) ? session : owner
  )
}
