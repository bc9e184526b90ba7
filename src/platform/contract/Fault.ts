/**
 * The faults of a request, as a 422 lists them: `loc`, `msg` and `type`, with Pydantic's messages, on which clients rely. One
 * formatter turns the issues of every schema into faults. Pure.
 *
 * @module
 */
import { SchemaAST, SchemaIssue } from "effect"
import { oneOf } from "../text/Text.ts"
import type { ValidationError } from "./Errors.ts"

const recognizer = "~hydracore/recognizer"

/** An annotation of one of several payloads of an endpoint: which bodies are its own, so that their faults are listed by it. */
export const recognizedBy = (recognizes: (body: unknown) => boolean) => ({ [recognizer]: recognizes })

/** The schema of a body with faults: the one that recognizes it, else the first. */
export const schemaOf = <S extends { readonly ast: SchemaAST.AST }>(
  schemas: ReadonlyArray<S>,
  body: unknown
): S | undefined =>
  schemas.find(({ ast }) =>
    (ast.annotations as { readonly [recognizer]?: (body: unknown) => boolean } | undefined)?.[recognizer]?.(body)
  ) ?? schemas[0]

/** What is wrong with a value: an item of a 422's `detail` without its `loc`. */
export interface Fault {
  readonly type: string
  readonly msg: string
  /** Where in the value, if not the value itself. */
  readonly path?: ReadonlyArray<string | number> | undefined
}

const key = "~hydracore/fault"

type Faults = ReadonlyArray<Fault>

/**
 * An annotation of a schema (for a value of another type, and for a tuple of another length), of a check, or of an issue: the
 * faults that it stands for.
 */
export const annotation = (...faults: Faults) => ({ [key]: () => faults })

/** An annotation of a union: the fault of a value that belongs to none of its members. */
export const annotationOf = (faultOf: (input: unknown) => Fault) => ({ [key]: (input: unknown) => [faultOf(input)] })

/** An issue of a transformation. */
export const issue = (...faults: ReadonlyArray<Fault>): SchemaIssue.Issue =>
  new SchemaIssue.InvalidValue({ message: faults.map(({ msg }) => msg).join("; "), ...annotation(...faults) })

const annotated = (annotations: object | undefined, of?: SchemaIssue.Issue): Faults | undefined =>
  (annotations as { readonly [key]?: (input: unknown) => Faults } | undefined)?.[key]?.(
    of !== undefined && SchemaIssue.hasInput(of) ? of.input : undefined
  )

/** A fault with a message of the service. `text` is the rest of its sentence. */
export const value = (text: string): Fault => ({ type: "value_error", msg: `Value error, ${text}` })

export const missing: Fault = { type: "missing", msg: "Field required" }

export const invalid = value("not a valid value")

export const notAnObject: Fault = { type: "dict_type", msg: "Input should be a valid dictionary" }

export const tooShort: Fault = { type: "string_too_short", msg: "String should have at least 1 character" }

export const tooLong = (max: number): Fault => ({
  type: "string_too_long",
  msg: `String should have at most ${max} characters`
})

const items = (count: number): string => `${count} ${count === 1 ? "item" : "items"}`

export const listTooShort = (min: number, count: number): Fault => ({
  type: "too_short",
  msg: `List should have at least ${items(min)} after validation, not ${count}`
})

export const listTooLong = (max: number, count: number): Fault => ({
  type: "too_long",
  msg: `List should have at most ${items(max)} after validation, not ${count}`
})

export const notAList: Fault = { type: "list_type", msg: "Input should be a valid list" }

export const notOneOf = (names: ReadonlyArray<string>): Fault => ({
  type: "literal_error",
  msg: `Input should be ${oneOf(names)}`
})

export const tooManyProperties = (max: number, count: number): Fault => ({
  type: "too_long",
  msg: `Dictionary should have at most ${max} items after validation, not ${count}`
})

export const notFinite: Fault = { type: "finite_number", msg: "Input should be a finite number" }

export const notUnicode: Fault = {
  type: "string_unicode",
  msg: "Input should be a valid string, unable to parse raw data as a unicode string"
}

const notABody: Fault = {
  type: "model_attributes_type",
  msg: "Input should be a valid dictionary or object to extract fields from"
}

/** The faults of values of another type than the schema's. */
const ofTypes: { readonly [Tag in SchemaAST.AST["_tag"]]?: Fault } = {
  String: { type: "string_type", msg: "Input should be a valid string" },
  Boolean: { type: "bool_type", msg: "Input should be a valid boolean" },
  Number: { type: "float_type", msg: "Input should be a valid number" },
  Arrays: notAList,
  Objects: notAnObject
}

const ofType = (ast: SchemaAST.AST, isBody: boolean): Faults =>
  annotated(ast.annotations) ?? [isBody && ast._tag === "Objects" ? notABody : (ofTypes[ast._tag] ?? invalid)]

/** The path to a value in a request: `body`, `path`, `query` or `header`, then the keys. */
export type Location = ReadonlyArray<string | number>

const allAt = (loc: Location, faults: Faults): ReadonlyArray<ValidationError> =>
  faults.map(({ msg, path = [], type }) => ({ loc: [...loc, ...path], msg, type }))

const segment = (part: PropertyKey): string | number => (typeof part === "number" ? part : String(part))

/** The member of a union of a type and null, in which null cannot be the fault. */
const besideNull = (ast: SchemaAST.AST): SchemaAST.AST | undefined => {
  if (ast._tag !== "Union") return undefined
  const others = ast.types.filter((member) => member._tag !== "Null")
  return others.length === 1 ? SchemaAST.toEncoded(others[0]!) : undefined
}

/** How to decode a value for `fromIssue`. */
export const options = { errors: "all", reportInput: true } as const

/** The fault of a key that an object does not have. */
const unexpected = (ast: SchemaAST.AST): Fault => {
  const names = ast._tag === "Objects" ? ast.propertySignatures.map(({ name }) => String(name)) : []
  const hint = names.length === 0 ? "" : `; use ${oneOf(names)}`
  return { type: "extra_forbidden", msg: `Extra inputs are not permitted${hint}` }
}

/** Whether an issue is that a tuple has too few or too many items. */
const isOfLength = (of: SchemaIssue.Issue): boolean =>
  of._tag === "Pointer" && (of.issue._tag === "MissingKey" || of.issue._tag === "UnexpectedKey")

/** The maximum number of faults in a response. A list or an object in a body may have thousands. */
export const maxFaults = 100

/** The faults of several issues. Stops after `maxFaults`. */
const ofAll = (issues: ReadonlyArray<SchemaIssue.Issue>, loc: Location): ReadonlyArray<ValidationError> => {
  const faults: Array<ValidationError> = []
  for (const issue of issues) {
    faults.push(...faultsOf(issue, loc))
    if (faults.length >= maxFaults) break
  }
  return faults
}

const faultsOf = (of: SchemaIssue.Issue, loc: Location): ReadonlyArray<ValidationError> => {
  const isBody = loc.length === 1 && loc[0] === "body"
  switch (of._tag) {
    case "Pointer":
      return faultsOf(of.issue, [...loc, ...of.path.map(segment)])
    case "Composite": {
      const own = of.ast._tag === "Arrays" && of.issues.some(isOfLength) ? annotated(of.ast.annotations) : undefined
      return own === undefined ? ofAll(of.issues, loc) : allAt(loc, own)
    }
    case "UnexpectedKey":
      return allAt(loc, [unexpected(of.ast)])
    case "AnyOf": {
      // There are no issues if no member of the union has the type of the value.
      const faults = ofAll(of.issues, loc)
      if (faults.length > 0) return faults
      const member = besideNull(of.ast)
      return allAt(
        loc,
        annotated(of.ast.annotations, of) ?? (member === undefined ? [invalid] : ofType(member, isBody))
      )
    }
    case "Filter": {
      const own = annotated(of.filter.annotations)
      return own === undefined ? faultsOf(of.issue, loc) : allAt(loc, own)
    }
    case "Encoding":
      return faultsOf(of.issue, loc)
    case "MissingKey":
      return allAt(loc, [missing])
    case "InvalidType": {
      const isMissing = isBody && SchemaIssue.hasInput(of) && (of.input ?? null) === null
      return allAt(loc, isMissing ? [missing] : ofType(of.ast, isBody))
    }
    case "InvalidValue":
      return allAt(loc, annotated(of.annotations) ?? [invalid])
    default:
      return allAt(loc, [invalid])
  }
}

/**
 * The faults of an issue, at most `maxFaults`. `loc` is the location of the value that the schema decoded. A value that fails
 * several checks has the fault of the first.
 */
export const fromIssue = (of: SchemaIssue.Issue, loc: Location): ReadonlyArray<ValidationError> =>
  faultsOf(of, loc).slice(0, maxFaults)
