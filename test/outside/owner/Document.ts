/**
 * The operations of an OpenAPI document of the owner API, and requests with their examples. Pure.
 *
 * @module
 */

export const scopes = ["stats", "read", "write"] as const
export type Scope = (typeof scopes)[number]

/** The roles of people, in order; each includes those before it. */
export const roles = ["viewer", "member", "owner"] as const
export type Role = (typeof roles)[number]

/** Values by the name of the parameter or of the body's member that holds them. */
export type Values = Readonly<Record<string, string>>

export interface Operation {
  /** Such as `DELETE /v1/owner/keys/{key_id}`. */
  readonly name: string
  readonly id: string
  readonly method: string
  readonly path: string
  /** The scope that the description ends with. */
  readonly scope: Scope | undefined
  /** The role before the scope. */
  readonly role: Role | undefined
  /** Who may call it: anybody, a share, or a key and a session. */
  readonly security: "none" | "share" | "owner"
  /** The names of the parameters in the path, and of the required ones in the query. */
  readonly pathNames: ReadonlyArray<string>
  readonly queryNames: ReadonlyArray<string>
  /** The names of those in the path that are UUIDs. */
  readonly uuidNames: ReadonlyArray<string>
  /** The example of the body. */
  readonly example: unknown
  readonly hasBody: boolean
  /** The lowest declared status of a success. */
  readonly success: number
}

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>
}

interface DocumentedOperation {
  readonly operationId: string
  readonly description: string
  readonly security: ReadonlyArray<Readonly<Record<string, unknown>>>
  readonly parameters?: ReadonlyArray<{
    readonly name: string
    readonly in: string
    readonly required: boolean
    readonly schema: { readonly format?: string }
  }>
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly example?: unknown }>> }
  readonly responses: Readonly<Record<string, unknown>>
}

const securityOf = ({ security }: DocumentedOperation): Operation["security"] => {
  const schemes = security.flatMap((alternative) => Object.keys(alternative))
  return schemes.length === 0 ? "none" : schemes.includes("shareSecret") ? "share" : "owner"
}

export const operationsOf = ({ paths }: Document): ReadonlyArray<Operation> =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { description, operationId, parameters = [], requestBody, responses } = operation
      const required = (place: string) => parameters.filter((each) => each.in === place && each.required)
      return {
        name: `${method.toUpperCase()} ${path}`,
        id: operationId,
        method: method.toUpperCase(),
        path,
        scope: scopes.find((scope) => description.endsWith(`Scope \`${scope}\`.`)),
        role: roles.find((role) => description.includes(`Role \`${role}\`. Scope `)),
        security: securityOf(operation),
        pathNames: required("path").map(({ name }) => name),
        queryNames: required("query").map(({ name }) => name),
        uuidNames: required("path").flatMap(({ name, schema }) => (schema.format === "uuid" ? [name] : [])),
        example: requestBody?.content["application/json"]?.example,
        hasBody: requestBody !== undefined,
        success: Math.min(...Object.keys(responses).map(Number))
      }
    })
  )

/** The members of bodies whose examples are replaced by values: the name of the value, and whether the member is a list. */
const members: Readonly<Record<string, { readonly name: string; readonly isList: boolean }>> = {
  site_id: { name: "site_id", isList: false },
  sites: { name: "site_id", isList: true },
  submission_ids: { name: "submission_id", isList: true },
  to: { name: "email", isList: false }
}

/** The members whose values another operation must have changed before, by operation. */
const changedMembers: Readonly<Record<string, typeof members>> = {
  purge_submissions: { submission_ids: { name: "deleted_submission_id", isList: true } }
}

const membersOf = ({ example, id }: Operation) =>
  Object.entries(typeof example === "object" && example !== null ? example : {}).map(
    ([member, value]) => [member, value, changedMembers[id]?.[member] ?? members[member]] as const
  )

const uuid = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/

/** The members of the body's example that hold ids, but which `members` does not list. */
export const unknownMembers = (operation: Operation): ReadonlyArray<string> =>
  membersOf(operation).flatMap(([member, value, known]) =>
    known === undefined && uuid.test(JSON.stringify(value)) ? [member] : []
  )

/** The names of the values that the body needs. */
export const bodyNames = (operation: Operation): ReadonlyArray<string> =>
  membersOf(operation).flatMap(([, , known]) => (known === undefined ? [] : [known.name]))

/** The names of all values that a request needs. */
export const namesOf = (operation: Operation): ReadonlyArray<string> => [
  ...new Set([...operation.pathNames, ...operation.queryNames, ...bodyNames(operation)])
]

export interface Request {
  readonly method: string
  readonly path: string
  readonly body?: string
}

/** The request of an operation with these values. Its body is `body`, or else the example with the values. */
export const requestOf = (operation: Operation, values: Values, body?: string): Request => {
  const valueOf = (name: string) => encodeURIComponent(values[name] ?? "")
  const query = operation.queryNames.map((name) => `${name}=${valueOf(name)}`).join("&")
  const path = operation.path.replace(/\{([^}]+)\}/g, (_, name: string) => valueOf(name))
  const example = Object.fromEntries(
    membersOf(operation).map(([member, value, known]) => {
      if (known === undefined) return [member, value]
      return [member, known.isList ? [values[known.name]] : values[known.name]]
    })
  )
  return {
    method: operation.method,
    path: query === "" ? path : `${path}?${query}`,
    ...(operation.hasBody ? { body: body ?? JSON.stringify(example) } : {})
  }
}
