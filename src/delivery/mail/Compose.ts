/**
 * Makes a mail from its content, as plain text and as HTML. Pure. All texts of the HTML are escaped in this module only.
 *
 * Mail clients render tables and inline styles; the few that support more get a dark theme. The HTML loads nothing, so that opening a
 * mail sends no request.
 *
 * @module
 */
import * as Design from "../../platform/design/Design.ts"
import type { Mailbox } from "../../platform/text/MailAddress.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Text from "../../platform/text/Text.ts"
import * as MailText from "./MailText.ts"
import type { Content, Field, Figure, Message, Part } from "./Message.ts"

const { colors } = Design

/** Attributes are in double quotes. */
const font = `font-family:${Design.systemFont.replaceAll('"', "'")}`
const codeFont = `font-family:${Design.codeFont.replaceAll('"', "'")}`

/** For clients that support media queries: the dark theme, and less padding on narrow screens. */
const theme = `
:root { color-scheme: light dark; supported-color-schemes: light dark }
@media (prefers-color-scheme: dark) {
  .page { background: ${colors.back[1]} !important }
  .card { background: ${colors.raised[1]} !important; border-color: ${colors.line[1]} !important }
  .ink, .ink a { color: ${colors.text[1]} !important }
  .soft, .soft a { color: ${colors.muted[1]} !important }
  .line { border-color: ${colors.line[1]} !important }
  .notice { background: ${colors["warn-soft"][1]} !important; color: ${colors.warn[1]} !important }
  .tile { background: ${colors.soft[1]} !important }
  .button a { background: ${colors.accent[1]} !important; color: ${colors["on-accent"][1]} !important }
  .up { color: ${colors.good[1]} !important }
  .down { color: ${colors.bad[1]} !important }
}
@media (max-width: 520px) {
  .pad { padding: 24px 20px !important }
}
`

const border = `1px solid ${colors.line[0]}`
const ink = `color:${colors.text[0]}`
const soft = `color:${colors.muted[0]}`

/** Visitors' text may have any direction, so it is isolated and its direction is detected. Line breaks are kept. */
const text = (value: string): string => `<bdi dir="auto">${Text.escapeHtml(value).replaceAll("\n", "<br>")}</bdi>`

const row = (content: string, style = "padding:0 0 24px"): string => `<tr><td style="${style}">${content}</td></tr>`

const fieldRows = (fields: ReadonlyArray<Field>): string =>
  fields
    .map(
      ([name, value], index) =>
        `<tr><td class="line" style="padding:12px 0;${index === 0 ? "" : `border-top:${border};`}${font}">` +
        `<div class="soft" style="${soft};font-size:13px;line-height:18px">${text(name)}</div>` +
        `<div class="ink" style="${ink};font-size:16px;line-height:24px;overflow-wrap:anywhere;word-break:break-word">${text(value)}</div></td></tr>`
    )
    .join("")

const table = (rows: string, more = ""): string =>
  `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0"${more}>${rows}</table>`

const directions = { up: colors.good[0], down: colors.bad[0], same: colors.muted[0] } as const

const figure = ({ change, direction, name, value }: Figure, index: number): string =>
  `<td width="50%" style="padding:${index === 0 ? "0 4px 8px 0" : "0 0 8px 4px"};vertical-align:top">${table(
    `<tr><td class="tile" style="background:${colors.soft[0]};border-radius:8px;padding:14px 16px;${font}">` +
      `<div class="soft" style="${soft};font-size:13px;line-height:18px">${text(name)}</div>` +
      `<div class="ink" style="${ink};font-size:24px;line-height:32px;font-weight:650;font-variant-numeric:tabular-nums">${text(value)}</div>` +
      `<div class="${direction === "same" ? "soft" : direction}" style="color:${directions[direction]};font-size:13px;line-height:18px">${text(change ?? "–")}</div></td></tr>`
  )}</td>`

/** Two figures per row. */
const figures = (all: ReadonlyArray<Figure>): string =>
  table(
    Array.from({ length: Math.ceil(all.length / 2) }, (_, index) => {
      const pair = all.slice(2 * index, 2 * index + 2)
      return `<tr>${pair.map(figure).join("")}</tr>`
    }).join("")
  )

const cell = (tag: "th" | "td", value: string, index: number, look: string): string =>
  `<${tag}${tag === "th" ? ' scope="col"' : ""}${index === 0 ? "" : ' width="56"'} class="line ${tag === "th" ? "soft" : "ink"}" style="padding:9px 0 9px ${index === 0 ? 0 : 12}px;text-align:${index === 0 ? "start" : "end;font-variant-numeric:tabular-nums"};${look};${font}">${text(value)}</${tag}>`

const numberTable = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const head = `${soft};font-size:13px;line-height:18px;font-weight:500`
  const body = `${ink};font-size:15px;line-height:22px;border-top:${border};overflow-wrap:anywhere`
  return (
    `<table width="100%" cellpadding="0" cellspacing="0" border="0">` +
    `<thead><tr>${header.map((value, index) => cell("th", value, index, head)).join("")}</tr></thead><tbody>` +
    `${rows.map((values) => `<tr>${values.map((value, index) => cell("td", value, index, body)).join("")}</tr>`).join("")}</tbody></table>`
  )
}

const writeHtml = (part: Part): string => {
  switch (part.kind) {
    case "paragraph":
      return row(
        `<div class="ink" style="${ink};font-size:16px;line-height:25px;overflow-wrap:anywhere;${font}">${text(part.text)}</div>`
      )
    case "notice":
      return row(
        `<div class="notice" style="background:${colors["warn-soft"][0]};color:${colors.warn[0]};border-radius:8px;padding:12px 16px;font-size:14px;line-height:21px;overflow-wrap:anywhere;${font}">${text(part.text)}</div>`
      )
    case "command":
      return row(
        `<div class="tile ink" style="background:${colors.soft[0]};${ink};border-radius:8px;padding:12px 16px;${codeFont};font-size:13px;line-height:20px;overflow-wrap:anywhere">${text(part.text)}</div>`
      )
    case "fields":
      return row(table(fieldRows(part.fields)), "padding:0 0 20px")
    case "facts":
      return row(
        table(
          part.fields
            .map(
              ([name, value]) =>
                `<tr><td class="soft" width="96" style="padding:3px 0;vertical-align:top;${soft};font-size:13px;line-height:20px;${font}">${text(name)}</td>` +
                `<td class="ink" style="padding:3px 0 3px 12px;${ink};font-size:13px;line-height:20px;overflow-wrap:anywhere;word-break:break-word;${font}">${text(value)}</td></tr>`
            )
            .join(""),
          ` class="line" style="border-top:${border};padding-top:13px"`
        ),
        "padding:0 0 20px"
      )
    case "record":
      return row(
        table(
          `<tr><td style="padding:16px 20px 8px;${font}">` +
            `<div class="ink" style="${ink};font-size:16px;line-height:24px;font-weight:600;overflow-wrap:anywhere">${text(part.title)}</div>` +
            `<div class="soft" style="${soft};font-size:13px;line-height:18px">${text(part.note)}</div>` +
            `${table(fieldRows(part.fields))}</td></tr>`,
          ` class="line" style="border:${border};border-radius:8px;border-collapse:separate"`
        ),
        "padding:0 0 12px"
      )
    case "figures":
      return row(figures(part.figures), "padding:0 0 16px")
    case "table":
      return row(numberTable(part.header, part.rows))
    case "button":
      return row(
        `<span class="button"><a href="${Text.escapeHtml(part.href)}" style="display:inline-block;background:${colors.accent[0]};color:${colors["on-accent"][0]};border-radius:8px;padding:12px 20px;font-size:15px;line-height:20px;font-weight:600;text-decoration:none;${font}">${text(part.label)}</a></span>`,
        "padding:4px 0 24px"
      )
    case "link":
      return row(
        `<span class="ink"><a href="${Text.escapeHtml(part.href)}" style="${ink};font-size:15px;line-height:22px;text-decoration:underline;text-underline-offset:3px;${font}">${text(part.label)}</a></span>`,
        "padding:0 0 24px"
      )
  }
}

/** The first words that a list of mails shows after the subject. */
const preview = (parts: ReadonlyArray<Part>): string => {
  const [first] = parts.flatMap((part) =>
    part.kind === "fields" || part.kind === "record"
      ? [part.fields.map(([, value]) => value).join(" · ")]
      : part.kind === "paragraph"
        ? [part.text]
        : []
  )
  return MailText.words(first ?? "", 140)
}

/**
 * The name of the service above its mails, with a letter that has the shape of the mark, since a mail loads no image. A mail that
 * a person wrote has none.
 */
const brand = `<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px"><tr><td class="ink" style="padding:0 4px 16px;${ink};font-size:15px;line-height:26px;font-weight:600;${font}">
<span aria-hidden="true" style="display:inline-block;width:26px;border-radius:7px;background:${colors.back[1]};color:${colors.accent[1]};text-align:center;margin-inline-end:8px">Ψ</span>HydraCore
</td></tr></table>
`

export const htmlBody = (content: Content, unsubscribeUrl: string | null): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<title>${Text.escapeHtml(content.subject)}</title>
<style>${theme}</style>
</head>
<body class="page" style="margin:0;padding:0;background:${colors.soft[0]}">
<div style="display:none;max-height:0;overflow:hidden">${Text.escapeHtml(preview(content.parts))}</div>
<table role="presentation" class="page" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:${colors.soft[0]}"><tr><td align="center" style="padding:32px 12px">
${content.sender === undefined ? brand : ""}<table role="presentation" class="card" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px;background:${colors.raised[0]};border:${border};border-radius:12px;border-collapse:separate"><tr><td class="pad" style="padding:36px 40px 16px">
${table(
  [
    row(
      `<div class="soft" style="${soft};font-size:14px;line-height:20px;font-weight:500;overflow-wrap:anywhere;${font}">${text(content.website)}</div>` +
        `<h1 class="ink" style="${ink};margin:4px 0 0;font-size:24px;line-height:32px;font-weight:650;letter-spacing:-0.01em;overflow-wrap:anywhere;${font}">${text(content.title)}</h1>`,
      "padding:0 0 20px"
    ),
    ...content.parts.map(writeHtml)
  ].join("\n")
)}
</td></tr></table>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:600px"><tr><td class="pad soft" style="padding:20px 40px;${soft};font-size:13px;line-height:20px;${font}">
${text(content.reason)}${unsubscribeUrl === null ? "" : ` <a href="${Text.escapeHtml(unsubscribeUrl)}" style="${soft};text-decoration:underline">Unsubscribe</a>`}
</td></tr></table>
</td></tr></table>
</body>
</html>
`

/** What a mail has besides its content. */
export interface Envelope extends Pick<Message, "mailId" | "to" | "createdAt" | "unsubscribeUrl"> {
  readonly from: Mailbox
}

/** A value of several lines is indented below its name, so that none of these lines looks like another field. */
const field = ([name, value]: Field): string =>
  value.includes("\n") ? `${name}:\n${value.replace(/^/gm, "    ")}` : `${name}: ${value}`

const writeText = (part: Part): string => {
  switch (part.kind) {
    case "paragraph":
    case "notice":
    case "command":
      return part.text
    case "fields":
    case "facts":
      return part.fields.map(field).join("\n")
    case "record":
      return [`${part.title} (${part.note})`, ...part.fields.map((one) => field(one).replace(/^/gm, "  "))].join("\n")
    case "figures":
      return part.figures
        .map(({ change, name, value }) => `${name}: ${value}${change === null ? "" : ` (${change})`}`)
        .join("\n")
    case "table":
      return TerminalText.table(part.header, part.rows).trimEnd()
    case "button":
    case "link":
      return `${part.label}: ${part.href}`
  }
}

export const plainBody = (content: Content, unsubscribeUrl: string | null): string =>
  [
    content.website,
    content.title,
    ...content.parts.map(writeText),
    `-- \n${content.reason}${unsubscribeUrl === null ? "" : `\nTo unsubscribe: ${unsubscribeUrl}`}`
  ].join("\n\n")

export const compose = (content: Content, envelope: Envelope): Message => ({
  ...envelope,
  from: content.sender === undefined ? envelope.from : { ...envelope.from, name: MailText.line(content.sender, 100) },
  autoSubmitted: content.autoSubmitted === undefined ? "auto-generated" : content.autoSubmitted,
  replyTo: content.replyTo,
  subject: MailText.line(content.subject, MailText.maxSubject),
  text: plainBody(content, envelope.unsubscribeUrl),
  html: htmlBody(content, envelope.unsubscribeUrl)
})
