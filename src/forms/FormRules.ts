/**
 * The rules of a form: what its fields must hold; and the service that stores them, see `forms/postgres/FormDirectory`. The website's
 * owner writes the rules as JSON.
 *
 *     {"name": {"required": true, "max": 100}, "people": {"number": true, "min": 1, "max": 12}}
 *
 * @module
 */
import { Context, type Effect, Option, Schema, SchemaIssue, SchemaTransformation } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import { isStorable } from "../platform/text/Text.ts"
import type { Site } from "../sites/Site.ts"
import * as Pattern from "./Pattern.ts"
import type { Marks } from "./SpamScore.ts"
import { isReserved } from "./Submission.ts"

export const limits = {
  page: 200,
  fields: 50,
  name: 100,
  choices: 100,
  text: 200,
  length: 1_000_000,
  jsonLength: 8_192,
  /** Sets of characters that patterns name by a Unicode property; each takes almost half a millisecond to compile. */
  unicodeSets: 50
}

/** A text of 1 to `max` characters that PostgreSQL can store. */
const Text = (max: number) =>
  Schema.String.annotate({ message: "must be a text" }).check(
    Schema.makeFilter((text: string) =>
      text !== "" && text.length <= max && isStorable(text) ? undefined : `must be a text of 1 to ${max} characters`
    )
  )

const Flag = Schema.Boolean.annotate({ message: "must be true or false" })

const Bound = Schema.Number.annotate({ message: "must be a number" }).check(
  Schema.makeFilter((bound: number) => (Number.isFinite(bound) ? undefined : "must be a finite number"))
)

/** The rules of a field. All but `required` apply to a field that is filled in. */
const FieldRules = Schema.Struct({
  /** The field must be filled in. */
  required: Schema.optionalKey(Flag),
  /** The value is an email address. */
  email: Schema.optionalKey(Flag),
  /** The value is a number, and `min` and `max` bound it; otherwise they bound the count of characters (code points). */
  number: Schema.optionalKey(Flag),
  min: Schema.optionalKey(Bound),
  max: Schema.optionalKey(Bound),
  /** The whole value matches this regular expression; see `Pattern`. */
  pattern: Schema.optionalKey(Text(Pattern.maxPattern)),
  /** The value is one of these texts. */
  one_of: Schema.optionalKey(
    Schema.Array(Text(limits.text))
      .annotate({ message: "must be a list of texts" })
      .check(
        Schema.makeFilter((values: ReadonlyArray<string>) =>
          values.length >= 1 && values.length <= limits.choices ? undefined : `must have 1 to ${limits.choices} texts`
        )
      )
  ),
  /** What the visitor reads if the value breaks a rule, instead of the English default. */
  message: Schema.optionalKey(Text(limits.text))
}).annotate({ message: "must be an object with rules" })

export type FieldRules = typeof FieldRules.Type

/** The page of a form: a text that can be the `page_slug` of submissions. */
export const parsePage = Option.liftPredicate(
  (text: string) => text !== "" && text.length <= limits.page && isStorable(text)
)

/** The rules by the name of the field, as they are stored. */
export const FormRules = Schema.Record(Schema.String, FieldRules).annotate({
  message: "must be an object with the names of fields"
})

export type FormRules = typeof FormRules.Type

const isLength = (bound: number): boolean => Number.isInteger(bound) && bound >= 0 && bound <= limits.length

/** What is wrong with the values of a field's rules. */
const faultsOf = (rules: FieldRules) => {
  const bounds = (["min", "max"] as const).filter((name) => rules[name] !== undefined)
  const pattern = rules.pattern === undefined ? undefined : Pattern.faultOf(rules.pattern)
  return [
    ...(pattern === undefined ? [] : [{ path: ["pattern"], issue: pattern }]),
    ...(rules.email && rules.number ? [{ path: ["number"], issue: "cannot be combined with email" }] : []),
    ...bounds
      .filter((name) => !rules.number && !isLength(rules[name] ?? 0))
      .map((name) => ({
        path: [name],
        issue: `must be a count of characters from 0 to ${limits.length}, unless the field has "number": true`
      })),
    ...(rules.min !== undefined && rules.max !== undefined && rules.min > rules.max
      ? [{ path: ["max"], issue: "must not be less than min" }]
      : [])
  ]
}

const nameFault = (name: string): string | undefined =>
  isReserved(name) || name === "__proto__"
    ? "cannot have rules: the name is reserved"
    : name === "" || name.length > limits.name || !isStorable(name)
      ? `must be the name of a field, of 1 to ${limits.name} characters`
      : undefined

/**
 * Bounds the rules before anything else of them is read, because reading a pattern is expensive. Other values than objects pass.
 */
const Bounded = Schema.Unknown.check(
  Schema.makeFilter((input: unknown) => {
    if (typeof input !== "object" || input === null || Array.isArray(input)) return undefined
    const names = Object.keys(input)
    if (names.length < 1 || names.length > limits.fields) return `must name 1 to ${limits.fields} fields`
    const json = JSON.stringify(input)
    if (json.length > limits.jsonLength) return `must have at most ${limits.jsonLength} characters as JSON`
    return Pattern.unicodeSets(json) > limits.unicodeSets
      ? `must have at most ${limits.unicodeSets} Unicode properties such as \\p{L}`
      : undefined
  })
)

/** Rules as an owner gives them. */
const GivenRules = Bounded.pipe(
  Schema.decodeTo(
    Schema.Record(Schema.String, FieldRules.check(Schema.makeFilter(faultsOf)))
      .annotate({ message: "must be an object with the names of fields" })
      .check(
        Schema.makeFilter((rules: FormRules) =>
          Object.keys(rules).flatMap((name) => {
            const fault = nameFault(name)
            return fault === undefined ? [] : [{ path: [name], issue: fault }]
          })
        )
      ),
    SchemaTransformation.passthrough({ strict: false })
  )
)

/** For documents. */
export const exampleForm = {
  page: "contact",
  rules: { name: { required: true, max: 100 }, email: { required: true, email: true } },
  created_at: "2026-11-02T09:00:00.000Z",
  updated_at: "2026-11-02T09:00:00.000Z"
} as const

/** A form of a website with its rules, as the owner API and the commands show it. */
export const Form = Schema.Struct({
  page: Schema.String.annotate({ description: "The `page_slug` of its submissions" }),
  rules: FormRules,
  created_at: Schema.String.annotate({ format: "date-time" }),
  updated_at: Schema.String.annotate({ format: "date-time" })
}).annotate({ identifier: "Form", examples: [exampleForm] })

export type Form = typeof Form.Type

const ruleNames = Object.keys(FieldRules.fields).join(", ")

const issuesOf = SchemaIssue.makeFormatterStandardSchemaV1({
  leafHook: (issue) =>
    issue._tag === "UnexpectedKey" ? `is not a rule; the rules are ${ruleNames}` : SchemaIssue.defaultLeafHook(issue)
})

/** An error in rules: the keys that lead to it, and what is allowed there. */
export interface Fault {
  readonly path: ReadonlyArray<string>
  readonly message: string
}

/** The errors of rules that cannot be read. */
export const faultsOfIssue = (issue: SchemaIssue.Issue): ReadonlyArray<Fault> =>
  issuesOf(issue).issues.map(({ message, path = [] }) => ({
    path: path.map((key) => String(typeof key === "object" ? key.key : key)),
    message
  }))

/** Reads rules; fails with every error. */
export const read = (input: unknown) =>
  Schema.decodeUnknownResult(GivenRules, { errors: "all", onExcessProperty: "error" })(input)

/** The form has rules already, although it must be new, or has none that could be replaced. Nothing was stored. */
export class FormRefused extends Schema.TaggedError<FormRefused>()("FormRefused", { exists: Schema.Boolean }) {}

/** A website as a submission needs it. */
export interface SiteForms {
  readonly site: Site
  /** The rules by the page of the form. */
  readonly forms: ReadonlyMap<string, FormRules>
  readonly marks: Marks
}

export interface NewForm extends Pick<Form, "page" | "rules"> {
  readonly websiteConfigId: WebsiteConfigId
}

export class FormDirectory extends Context.Service<
  FormDirectory,
  {
    /** A website with the rules of its forms and its marks of spam. Every process sees a change of these within a second. */
    readonly bySite: (websiteConfigId: WebsiteConfigId) => Effect.Effect<Option.Option<SiteForms>, StorageUnavailable>
    /** Sets or replaces the rules of a form, or does only one of both; none if there is no such website. */
    readonly put: (
      form: NewForm,
      only?: "set" | "replace"
    ) => Effect.Effect<Option.Option<Form>, StorageUnavailable | FormRefused | LimitReached>
    /** The forms of a website that have rules, ordered by page; empty if there is no such website. */
    readonly list: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<Form>, StorageUnavailable>
    /** Deletes the rules of a form; false if it has none. */
    readonly delete: (websiteConfigId: WebsiteConfigId, page: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/forms/FormDirectory") {}
