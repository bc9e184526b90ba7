/**
 * The rules of websites' forms. The interface only; see `forms/postgres/FormDirectory`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { WebsiteConfigId } from "../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import type { Site } from "../sites/Site.ts"
import type { Form, FormRules } from "./FormRules.ts"
import type { Marks } from "./SpamScore.ts"

/** The website has rules for this page already. */
export class FormExists extends Schema.TaggedError<FormExists>()("FormExists", { page: Schema.String }) {}

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
    /** Gives a form its rules; none if there is no such website. */
    readonly create: (
      form: NewForm
    ) => Effect.Effect<Option.Option<Form>, StorageUnavailable | FormExists | LimitReached>
    /** Replaces the rules of a form; none if the website has no rules for this page. */
    readonly update: (form: NewForm) => Effect.Effect<Option.Option<Form>, StorageUnavailable>
    /** The forms of a website that have rules, ordered by page; empty if there is no such website. */
    readonly list: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<Form>, StorageUnavailable>
    /** Deletes the rules of a form; false if it has none. */
    readonly delete: (websiteConfigId: WebsiteConfigId, page: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/forms/FormDirectory") {}
