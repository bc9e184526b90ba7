/**
 * Responses that are HTML pages.
 *
 * @module
 */
import { Schema, SchemaGetter } from "effect"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"

export const HtmlPage = Schema.String.annotate({ title: "Page" }).pipe(
  Schema.decodeTo(Schema.TaggedStruct("Page", { html: Schema.String }), {
    decode: SchemaGetter.transform((html: string) => ({ _tag: "Page" as const, html })),
    encode: SchemaGetter.transform(({ html }) => html)
  }),
  HttpApiSchema.asText({ contentType: "text/html" })
)

export const errorPage = (status: number) => HtmlPage.pipe(HttpApiSchema.status(status))
