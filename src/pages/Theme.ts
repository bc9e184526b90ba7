/**
 * The theme that a person chose in the console, on all pages of the service.
 *
 * @module
 */

/** Sets the chosen theme before the first paint. The console's `Theme.ts` writes the same key. */
export const script =
  'try{let t=localStorage.getItem("hydracore-theme");if(t=="light"||t=="dark")document.documentElement.dataset.theme=t}catch{}'
