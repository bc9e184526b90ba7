/**
 * The time zones that a website can have, by their present names. Pure, except that it reads what the browser knows.
 *
 * @module
 */
import { type Choice, matching, wordsOf } from "../parts/Choices.ts"

/** The present names of time zones of which browsers list only a former name. */
const renamed: Readonly<Record<string, string>> = {
  "Africa/Asmera": "Africa/Asmara",
  "America/Buenos_Aires": "America/Argentina/Buenos_Aires",
  "America/Catamarca": "America/Argentina/Catamarca",
  "America/Coral_Harbour": "America/Atikokan",
  "America/Cordoba": "America/Argentina/Cordoba",
  "America/Godthab": "America/Nuuk",
  "America/Indianapolis": "America/Indiana/Indianapolis",
  "America/Jujuy": "America/Argentina/Jujuy",
  "America/Louisville": "America/Kentucky/Louisville",
  "America/Mendoza": "America/Argentina/Mendoza",
  "Asia/Calcutta": "Asia/Kolkata",
  "Asia/Katmandu": "Asia/Kathmandu",
  "Asia/Rangoon": "Asia/Yangon",
  "Asia/Saigon": "Asia/Ho_Chi_Minh",
  "Atlantic/Faeroe": "Atlantic/Faroe",
  "Europe/Kiev": "Europe/Kyiv",
  "Pacific/Enderbury": "Pacific/Kanton",
  "Pacific/Ponape": "Pacific/Pohnpei",
  "Pacific/Truk": "Pacific/Chuuk"
}

export const presentName = (zone: string): string => renamed[zone] ?? zone

/** What else people call countries. Most codes of countries would be taken for abbreviations of time zones, as ET would. */
const aliases: Readonly<Record<string, ReadonlyArray<string>>> = { GB: ["GB", "UK"], US: ["US", "USA"] }

/** The time zone of the person's browser. */
export const own = (): string => presentName(new Intl.DateTimeFormat().resolvedOptions().timeZone)

/** The countries of the time zones. Browsers that do not know them list none. */
const countries = (): ReadonlyMap<string, ReadonlyArray<string>> => {
  const found = new Map<string, ReadonlyArray<string>>()
  const names = new Intl.DisplayNames("en", { type: "region", fallback: "none" })
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
  for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
    const name = names.of(code)
    if (name === undefined) continue
    const locale = new Intl.Locale(`und-${code}`) as { readonly getTimeZones?: () => ReadonlyArray<string> | undefined }
    const added = [name, ...(aliases[code] ?? [])]
    for (const zone of (locale.getTimeZones?.() ?? []).map(presentName)) {
      found.set(zone, [...(found.get(zone) ?? []), ...added])
    }
  }
  return found
}

/** The names of a time zone in winter and in summer, and their initials with and without "Standard": EST, EDT and ET. */
const namesOf = (zone: string): ReadonlyArray<string> => {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "long" })
  const names = [0, 6].map((month) =>
    format.formatToParts(Date.UTC(2025, month)).find(({ type }) => type === "timeZoneName")
  )
  return names
    .flatMap((part) => (part === undefined ? [] : [part.value, part.value.replace(" Standard", "")]))
    .flatMap((name) => [name, name.replace(/(\S)\S*\s*/g, "$1")])
}

/** The former names of a time zone. */
const formerNames = (zone: string): ReadonlyArray<string> =>
  Object.keys(renamed).filter((former) => presentName(former) === zone)

/**
 * What else finds the time zones, a line each: their countries, names, abbreviations and former names. This takes a desktop a fifth of
 * a second.
 */
export const terms = (): ((zone: string) => string) => {
  const ofCountry = countries()
  return (zone) => [...(ofCountry.get(zone) ?? []), ...namesOf(zone), ...formerNames(zone)].join("\n")
}

const folded = (text: string): string => wordsOf(text).join(" ")

/** How well a choice matches words: 0 if they are a name of it, 1 if each begins a word of it, and 2 otherwise. */
const classOf = ([, label, note = "", terms = ""]: Choice<string>, typed: string): 0 | 1 | 2 => {
  const lines = [label, ...terms.split("\n")]
  const names = [...lines, ...lines.flatMap((line) => line.split("/"))].map(folded)
  if (names.includes(typed)) return 0
  const offset = note.replace("UTC", "")
  const begun = [...names, note.toLowerCase(), offset, offset.replace(/^([+-])0/, "$1")].flatMap((name) =>
    name.split(" ")
  )
  return typed.split(" ").every((word) => begun.some((other) => other.startsWith(word))) ? 1 : 2
}

/** How far a time zone is from a person's own. */
const distanceOf = (zone: string, from: string): number =>
  zone === from ? 0 : zone.split("/")[0] === from.split("/")[0] ? 1 : zone.startsWith("Europe/") ? 2 : 3

/**
 * The choices that match what is typed, the best first: those of which it is an abbreviation, a country or a city; then those with words
 * that begin with it; and only without any of these, those with words that contain it. Among them, a person's own time zone
 * `from` is the first, followed by those of its continent and those of Europe.
 */
export const found = <A extends string>(
  choices: ReadonlyArray<Choice<A>>,
  typed: string,
  from: string
): ReadonlyArray<Choice<A>> => {
  const text = folded(typed.trim())
  if (text === "") return choices
  const ranked = matching(choices, text).map((choice) => ({
    choice,
    best: classOf(choice, text),
    distance: distanceOf(choice[0], from)
  }))
  const isAnyBetter = ranked.some(({ best }) => best < 2)
  return ranked
    .filter(({ best }) => best < 2 || !isAnyBetter)
    .sort((one, other) => one.best - other.best || one.distance - other.distance)
    .map(({ choice }) => choice)
}

/** UTC and the time zones that the browser knows, in the order of their names. */
export const all = (): ReadonlyArray<string> =>
  [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone").map(presentName)])].sort()
