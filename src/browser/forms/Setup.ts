/**
 * Logs in the browser's console, for the website's owner, why a form cannot be sent and what to do.
 *
 * @module
 */

/**
 * @param status the status of the edge's response; undefined if the form was not sent
 * @param detail the reason in the response. The reason of a 403 says what to do. Otherwise, `data-site` is missing or wrong.
 */
export const tellOwner = (form: HTMLFormElement, status?: number, detail = ""): void => {
  const advice = status === 403 ? "" : "Set its data-site to the website_config_id that `hydracore site list` shows."
  console.error(["HydraCore: this form cannot be sent.", detail, advice].filter((text) => text !== "").join(" "), form)
}
