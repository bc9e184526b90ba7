/**
 * The time zones that a website can have, by their present names. Pure, except that it reads what the browser knows.
 *
 * @module
 */

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

/** The countries of the time zones. Browsers that do not know them list none. */
const countries = (): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  const names = new Intl.DisplayNames("en", { type: "region", fallback: "none" })
  const letters = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
  for (const code of letters.flatMap((first) => letters.map((second) => first + second))) {
    const name = names.of(code)
    if (name === undefined) continue
    const locale = new Intl.Locale(`und-${code}`) as { readonly getTimeZones?: () => ReadonlyArray<string> | undefined }
    for (const zone of locale.getTimeZones?.() ?? []) {
      found.set(presentName(zone), `${found.get(presentName(zone)) ?? ""} ${name}`)
    }
  }
  return found
}

/** The names of a time zone in winter and in summer, and their initials with and without "Standard": EST, EDT and ET. */
const namesOf = (zone: string): string => {
  const format = new Intl.DateTimeFormat("en", { timeZone: zone, timeZoneName: "long" })
  const names = [0, 6].map((month) =>
    format.formatToParts(Date.UTC(2025, month)).find(({ type }) => type === "timeZoneName")
  )
  return names
    .flatMap((part) => (part === undefined ? [] : [part.value, part.value.replace(" Standard", "")]))
    .flatMap((name) => [name, name.replace(/(\S)\S*\s*/g, "$1")])
    .join(" ")
}

/** What else finds the time zones: their countries, names and abbreviations. This takes a desktop a fifth of a second. */
export const terms = (): ((zone: string) => string) => {
  const ofCountry = countries()
  return (zone) => `${ofCountry.get(zone) ?? ""} ${namesOf(zone)}`
}

/** UTC and the time zones that the browser knows, in the order of their names. */
export const all = (): ReadonlyArray<string> =>
  [...new Set(["UTC", ...Intl.supportedValuesOf("timeZone").map(presentName)])].sort()
