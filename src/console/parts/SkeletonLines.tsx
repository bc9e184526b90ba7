/**
 * Two bars in place of the title and the facts of a row whose list is loading.
 *
 * @module
 */
export const SkeletonLines = () => (
  <div class="lines" aria-hidden="true">
    <span class="skeleton" />
    <span class="skeleton" />
  </div>
)
