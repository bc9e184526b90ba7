/**
 * When a key, a token or a shared dashboard expires whose last day was chosen. Pure.
 *
 * @module
 */

/**
 * The last second of a day `YYYY-MM-DD`, in the browser's zone. A text that is not a day is returned as it is: the service
 * refuses it.
 */
export const endOf = (day: string): string => {
  if (Number.isNaN(Date.parse(day))) return day
  const [year = 0, month = 0, date = 0] = day.split("-").map(Number)
  // Where the clocks go back at midnight, 23:59:59 occurs twice. The next day begins once.
  return new Date(new Date(year, month - 1, date + 1).getTime() - 1000).toISOString()
}
