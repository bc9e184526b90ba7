/**
 * The access of the callers of the owner API, and how each operation must answer them. Pure.
 *
 * @module
 */
import { namesOf, type Operation, type Role, roles, type Scope, scopes, unknownMembers } from "./Document.ts"
import { constants, creators } from "./Websites.ts"

/** The stage's websites, and one that a test creates. */
export type Website = "A" | "B" | "new"

/** What credentials are valid for. */
export type Access =
  | { readonly kind: "key"; readonly scope: Scope; readonly website: Website | "all" }
  /** `scope` is the largest that the role includes. */
  | { readonly kind: "session"; readonly role: Role; readonly scope: Scope; readonly website: Website | "all" }
  | { readonly kind: "share"; readonly website: Website }

/** Who may call the operations that need credentials, but no scope. The others need the scope in their description. */
const withoutScope: Readonly<Record<string, "any" | "session">> = {
  list_sites: "any",
  current_session: "session",
  close_session: "session",
  list_devices: "session",
  end_device: "session",
  set_person: "session"
}

/** The operations that only a caller with access to all websites may call. Others are refused after the body is decoded. */
const ofAllWebsites = new Set(["create_site"])

/** The statuses of permitted requests that do not succeed here. */
const unsuccessful: Readonly<Record<string, number>> = {
  // The link was opened, and the caller's session has no person.
  mail_link: 404,
  end_device: 404,
  // The address is not confirmed.
  test_notification: 422,
  // The confirmation mail has just been sent.
  resend_confirmation: 429
}

/** What must be added before the test knows what to expect of an operation. */
export const unknownIn = (operation: Operation): ReadonlyArray<string> => {
  const { example, hasBody, id, name, role, scope, security } = operation
  return [
    ...(security === "owner" && (scope === undefined || role === undefined) && withoutScope[id] === undefined
      ? [
          `${name}: end its description with its role and scope, such as "Role \`viewer\`. Scope \`read\`.", or add ${id} to withoutScope in test/outside/owner/Rules.ts`
        ]
      : []),
    ...(hasBody && example === undefined ? [`${name}: add an example of its body to the document`] : []),
    ...unknownMembers(operation).map((member) => `${name}: add ${member} to members in test/outside/owner/Document.ts`),
    ...namesOf(operation).flatMap((value) =>
      creators[value] === undefined ? [`${name}: add ${value} to creators in test/outside/owner/Websites.ts`] : []
    )
  ]
}

export const reaches = (access: { readonly website: Website | "all" }, website: Website) =>
  access.website === "all" || access.website === website

/** The status of the response to a request that the caller may send, and whose values exist. */
export const permittedStatus = ({ id, success }: Operation): number => unsuccessful[id] ?? success

/**
 * The status of the response to a request about a website. Without `access`, the credentials are not valid. `isDecoded` is false for a body that is not JSON, which is refused
 * with 422 if nothing before its decoding refuses the caller.
 */
export const expected = (
  operation: Operation,
  access: Access | undefined,
  website: Website,
  isDecoded = true
): number => {
  const { id, pathNames, role, scope, security } = operation
  const permitted = isDecoded ? permittedStatus(operation) : 422
  // With an unknown secret: a decoded body opens no session.
  if (security === "none") return isDecoded ? 401 : 422
  if (access === undefined || (access.kind === "share") !== (security === "share")) return 401
  if (access.kind !== "share") {
    // The handler refuses keys, after the body is decoded.
    if (withoutScope[id] === "session" && access.kind !== "session" && isDecoded) return 404
    const isIncluded =
      access.kind === "session"
        ? role === undefined || roles.indexOf(access.role) >= roles.indexOf(role)
        : scope === undefined || scopes.indexOf(access.scope) >= scopes.indexOf(scope)
    if (!isIncluded) return 404
    if (ofAllWebsites.has(id) && isDecoded && access.website !== "all") return 404
  }
  // Only the body of an operation that names no website in its path can name one.
  // Whose a person is, the handler finds out after the body is decoded.
  const names = isDecoded ? namesOf(operation) : pathNames.filter((name) => name !== "person_id")
  const namesWebsite = names.some((name) => !constants.has(name))
  return namesWebsite && !reaches(access, website) ? 404 : permitted
}

export const isPermitted = (operation: Operation, access: Access, website: Website): boolean =>
  expected(operation, access, website) === permittedStatus(operation)

/** The kinds of valid credentials for one website: a key with a scope, a session with a role, and a share. */
export const kinds = [...scopes, ...roles, "share"] as const
export type Kind = (typeof kinds)[number]

/** The access of credentials of a kind. `all` is a key with the scope `write` for all websites. */
export const accessOf = (kind: Kind | "all", website: Website): Access => {
  if (kind === "all") return { kind: "key", scope: "write", website: "all" }
  if (kind === "share") return { kind, website }
  const role = roles.find((each) => each === kind)
  if (role !== undefined) return { kind: "session", role, scope: role === "owner" ? "write" : "read", website }
  return { kind: "key", scope: scopes.find((each) => each === kind) ?? "stats", website }
}
