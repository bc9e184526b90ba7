/**
 * Has the browser save a file of this origin.
 *
 * @module
 */

export const download = (address: string): void => {
  const link = document.createElement("a")
  link.href = address
  // The service names the file.
  link.download = ""
  link.click()
}
